"""What a lake holds and has published, in a form in which two of them can be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl

from metrics_lake.catalog import stored
from metrics_lake.config.settings import Settings
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.jobs.context import JobContext
from metrics_lake.serve import downloads, index_schema, listening

TABLES = ("silver/sessions", "gold/listeners_by_minute", "gold/listening_by_hour", "gold/listening_by_day",
          "gold/session_lengths_by_day", "gold/dimensions_by_day", "gold/listening_by_period",
          "gold/dimensions_by_period")  # fmt: skip
_INDEX = jsonschema.Draft202012Validator(index_schema.schema(), format_checker=jsonschema.FormatChecker())
_OF_A_RUN = ("generated_at", "revision")
_OF_A_BLOB = (*_OF_A_RUN, "size", "hash")  # in an index; both depend on the revision


def tables(settings: Settings) -> dict[str, list[str]]:
    """The rows of every table above bronze, in one order."""
    return {name: sorted(map(repr, pl.read_delta(f"{settings.storage.lake}/{name}").rows())) for name in TABLES}


def rollups(settings: Settings) -> dict[str, Any]:
    """Every blob of figures, without what each run says of itself."""
    root = Path(settings.storage.rollups)
    found = {}
    for path in sorted(root.rglob("*.json")):
        if path.name != "index.json" and not path.name.startswith("_"):
            found[path.relative_to(root).as_posix()] = _figures(json.loads(path.read_bytes()))
    return found


def documents(settings: Settings, tenant: str) -> list[dict[str, Any]]:
    """Every listening document of a tenant, without what each run says of itself."""
    store = SqliteDocuments(settings.documents.path)
    return [_figures(held) for held in store.between(listening.CONTAINER, tenant, "", "~")]


def everything(settings: Settings, tenant: str) -> dict[str, Any]:
    return {**tables(settings), "rollups": rollups(settings), "documents": documents(settings, tenant)}


def whole(work: JobContext) -> dict[str, Any]:
    """All that must be the same however the files came: each table above bronze, blob, index and document, by its place."""
    lake, held = work.settings.storage.lake, {}
    for table in stored():
        if not table.name.startswith("bronze.") and work.commit_log.version(table) >= 0:
            held[table.name] = sorted(map(repr, pl.read_delta(f"{lake}/{table.path}").rows()))
    held |= rollups(work.settings) | indexes(work.settings)
    store = SqliteDocuments(work.settings.documents.path)
    for container in (listening.CONTAINER, downloads.CONTAINER):
        for tenant in work.tenants.tenants:
            held |= {f"{container} {each['id']} of {tenant}": _figures(each)
                     for each in store.between(container, tenant, "", "~")}  # fmt: skip
    return held


def indexes(settings: Settings) -> dict[str, Any]:
    """Every tenant's index, without what differs from run to run."""
    root, found = Path(settings.storage.rollups), {}
    for path in root.glob("*/index.json"):
        index = json.loads(path.read_bytes())
        _INDEX.validate(index)
        blobs = [{key: of for key, of in each.items() if key not in _OF_A_BLOB} for each in index["rollups"]]
        found[path.relative_to(root).as_posix()] = {**index, "rollups": blobs}
    return found


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Where two of `whole` differ: what stands in the one alone, and in the other alone."""
    return {
        place: _apart(one.get(place), other.get(place))
        for place in sorted(one.keys() | other.keys())
        if one.get(place) != other.get(place)
    }


def _apart(one: Any, other: Any) -> tuple[Any, Any]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
        return {key: one.get(key) for key in keys}, {key: other.get(key) for key in keys}
    if isinstance(one, list) and isinstance(other, list):
        return [each for each in one if each not in other], [each for each in other if each not in one]
    return one, other


def files(settings: Settings) -> list[dict[str, Any]]:
    """The accounts of landing files, in the order in which they came."""
    bronze = pl.read_delta(f"{settings.storage.lake}/bronze/haproxy").filter(pl.col("row_kind") == "file")
    return bronze.sort("batch_number", "path").to_dicts()


def requests(settings: Settings) -> int:
    """How many requests bronze holds, doubles included."""
    bronze = pl.read_delta(f"{settings.storage.lake}/bronze/haproxy").filter(pl.col("row_kind") == "visit")
    return int(bronze["request_count"].sum())


def _figures(document: dict[str, Any]) -> dict[str, Any]:
    return {key: held for key, held in document.items() if key not in _OF_A_RUN}
