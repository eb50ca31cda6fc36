"""docs/frontend.md is made of the JSON Schemas, in which every field says what it means; every index is valid against its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from metrics_lake.io.storage.blobs import FolderBlobs
from metrics_lake.jobs.publish import index
from metrics_lake.serve import frontend_page, index_schema
from metrics_lake.serve.rollup import meanings, rollup

PAGE = Path(__file__).parents[3] / "docs" / "frontend.md"
SCHEMAS = {"rollup": rollup.schema(), "index": index_schema.schema()}
CHECK = jsonschema.Draft202012Validator(SCHEMAS["index"], format_checker=jsonschema.FormatChecker())


def members(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every named member, however deep."""
    for name, member in schema.get("properties", {}).items():
        yield name, member
        yield from members(member)
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, Mapping):
            yield from members(inner)


def test_the_page_is_that_of_the_schemas():
    page = PAGE.read_text(encoding="utf-8")
    assert page == frontend_page.render(), "run: python -m metrics_lake.catalog frontend > docs/frontend.md"


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_every_field_says_what_it_means(schema):
    assert [name for name, member in members(schema) if not member.get("description")] == []


def test_every_meaning_is_of_a_field():
    named = {name for schema in SCHEMAS.values() for name, _ in members(schema)}
    assert set(meanings.MEANINGS) <= named


def test_every_field_is_on_the_page():
    page = PAGE.read_text(encoding="utf-8")
    named = {name for schema in SCHEMAS.values() for name, _ in members(schema)}
    assert [name for name in named if f"{name}`" not in page] == []


def test_an_index_is_valid_against_its_schema_and_one_with_a_field_too_many_is_not(tmp_path):
    content = b'{"stream": "*"}'
    document = {
        "stream": "*",
        "status": "final",
        "revision": 2,
        "period": {"kind": "day", "name": "2001-01-15", "start": "2001-01-15T00:00:00+02:00"},
    }
    path = "acme/_all/day/2001-01-15.json"
    blobs = FolderBlobs(str(tmp_path))
    blobs.write(path, content)
    index.write(blobs, "acme", "Acme", "Africa/Johannesburg", {path: index.row(path, document, content)}, None)
    stored = index.notes.read(blobs, "acme/index.json")
    CHECK.validate(stored)
    with pytest.raises(jsonschema.ValidationError):
        CHECK.validate({**stored, "more": 1})
