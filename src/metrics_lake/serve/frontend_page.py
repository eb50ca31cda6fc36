"""docs/frontend.md: how a frontend reads what is published, and what each field means, from the JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from metrics_lake.serve import index_schema
from metrics_lake.serve.rollup import rollup
from metrics_lake.serve.rollup.json_schema import Schema

_HEAD = """# Rollups for frontends

Made by `python -m metrics_lake.catalog frontend` from the JSON Schemas of `src/metrics_lake/serve`; a test keeps it true.

`publish` writes one JSON file for each tenant, stream and period below `storage.rollups`. A web server may serve that folder:

```
tenants.json                             the tenants, [{"tenant", "name"}], where publish.tenants_list is true
<tenant>/index.json                      the list of the tenant's rollups
<tenant>/<stream>/day/2026-11-22.json    one stream; the tenant as a whole is in the folder _all
<tenant>/_all/month/2026-11.json         week/2026-W47, month/2026-11, year/2026, rolling/last-7-days, rolling/last-30-days, all/all
```

Read `index.json` first, then the rollups that you show. A file is replaced whole: a reader sees the old one or the new one. It is
written again only when something in it changed, so its ETag and its time of change can be trusted, and `hash` in the index tells
without a request whether a copy is still good. Files whose names begin with `_` or `.` are the program's own.

- **Instants** carry the offset of the tenant's clock. Days, weeks and months are the tenant's.
- **`status` and `complete_through`**: up to `complete_through` everything has arrived. What comes after it is unknown, not zero:
  end a line there, or draw it otherwise.
- **`null` is unknown**, in `numbers` too; 0 is a measured zero.
- **Unique listeners can't be added up**, over hours, streams or values: take the rollup of the longer period.
- **A new field may be added** at any time: ignore what you don't know. A field that is taken away, or means something else, comes
  with a new number behind `metrics-lake/rollup/`.

In Python the schemas are `metrics_lake.serve.rollup.rollup.schema()` and `metrics_lake.serve.index_schema.schema()`; each published
file is valid against its own.
"""
_ROW = "| `{}` | {} | {} |"
_TABLE_HEAD = "\n| field | type | meaning |\n| --- | --- | --- |"


def render() -> str:
    """The page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield "## `index.json`"
    yield _TABLE_HEAD
    yield from _rows("", index_schema.schema())
    schema = rollup.schema()
    flat = {name: member for name, member in schema["properties"].items() if not _is_deep(member)}
    yield f"\n## The head of a rollup\n{_TABLE_HEAD}"
    yield from _rows("", {"properties": flat, "required": schema["required"]})
    for name, member in schema["properties"].items():
        if _is_deep(member):
            is_optional = "" if name in schema["required"] else " Not in every rollup."
            yield f"\n## `{name}`\n\n{member['description']}.{is_optional}\n{_TABLE_HEAD}"
            yield from _members(name, member)


def _rows(place: str, schema: Schema) -> Iterator[str]:
    """A row for each member of an object, and for what lies in it."""
    for name, member in schema.get("properties", {}).items():
        optional = "" if name in schema.get("required", ()) else "; may be left out"
        yield _ROW.format(f"{place}{name}", f"{_type(member)}{optional}", member["description"].replace("|", "\\|"))
        if not _is_any_other(member, schema):
            yield from _members(f"{place}{name}", member)


def _members(place: str, schema: Schema) -> Iterator[str]:
    """The rows of what lies in an object or in the entries of a list."""
    others = schema.get("additionalProperties")
    yield from _rows(f"{place}.", schema)
    if "items" in schema:
        yield from _members(f"{place}[]", schema["items"])
    if isinstance(others, Mapping):
        if not _is_deep(others):
            yield _ROW.format(f"{place}.*", _type(others), "The number of each")
        yield from _members(f"{place}.*", others)


def _is_deep(schema: Schema) -> bool:
    """Whether it has members or entries."""
    return _type(schema) in ("object", "list")


def _is_any_other(member: Schema, schema: Schema) -> bool:
    """Whether a member has the shape that every other member has too, which is shown once."""
    others = schema.get("additionalProperties")
    return isinstance(others, Mapping) and _shape(member) == _shape(others)


def _shape(schema: Schema) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != "description"}


def _type(schema: Schema) -> str:
    if "const" in schema:
        return f"always `{str(schema['const']).lower() if schema['const'] is True else schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    plain = {"date-time": "instant", "date": "day"}.get(schema.get("format", ""))
    words = {"array": "list", "string": plain or "text"}
    return " or ".join(words.get(name, name) for name in types)
