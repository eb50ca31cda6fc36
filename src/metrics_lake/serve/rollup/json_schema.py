"""Pieces of JSON Schema that several sections are described with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
AMOUNT: Schema = {"type": "number", "minimum": 0}
DAY: Schema = {"type": "string", "format": "date"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
STATUS: Schema = {"enum": ["provisional", "final"]}


def record(properties: Mapping[str, Schema], *, optional: Collection[str] = (), **more: Any) -> Schema:
    """An object with these members and no others, unless `additionalProperties` is given."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
        **more,
    }


def or_null(schema: Schema) -> Schema:
    """The same, or null where nothing is known."""
    return {**schema, "type": [schema["type"], "null"]}


def list_of(items: Schema, **more: Any) -> Schema:
    """An array of such items."""
    return {"type": "array", "items": items, **more}
