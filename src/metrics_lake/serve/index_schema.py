"""The JSON Schema of `index.json`, the list of a tenant's rollups."""

from __future__ import annotations

from typing import Any

from metrics_lake.serve.rollup.json_schema import COUNT, INSTANT, KIND, NAME, STATUS, about, list_of, record

FORMAT = "metrics-lake/index/1"
_ROW = record(
    {
        "path": about(NAME, "Where the rollup lies, from the index's own folder on"),
        "stream": about(NAME, "Name of the stream; * is the tenant as a whole, whose folder is called _all"),
        "kind": about(KIND, "Kind of the period"),
        "name": about(NAME, "Name of the period, such as 2026-11-22, 2026-W47, 2026-11, last-7-days"),
        "start": about(INSTANT, "First instant of the period, on the tenant's clock"),
        "size": about(COUNT, "Bytes of the rollup"),
        "hash": about(
            {"type": "string", "pattern": "^[0-9a-f]{16}$"}, "First 16 hex digits of the SHA-256 of its bytes"
        ),
        "revision": about({"type": "integer", "minimum": 1}, "The rollup's revision, raised when a number changed"),
        "status": about(STATUS, "final, or provisional while numbers may still change"),
    }
)


def schema() -> dict[str, Any]:
    """The JSON Schema that every index satisfies."""
    properties = {
        "schema": about({"const": FORMAT}, "Name and version of this format"),
        "tenant": about(NAME, "The tenant's name in paths and settings"),
        "name": about({"type": "string"}, "The tenant's name for people"),
        "timezone": about(NAME, "The tenant's time zone, on whose clock its days are"),
        "rollups": about(list_of(_ROW), "All rollups of the tenant, the newest period first"),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "metrics_lake index",
        "description": "The rollups of one tenant.",
        **record(properties),
    }
