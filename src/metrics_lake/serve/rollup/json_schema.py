"""Pieces of JSON Schema that several sections are described with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from metrics_lake.serve.rollup.meanings import MEANINGS

Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
AMOUNT: Schema = {"type": "number", "minimum": 0}
DAY: Schema = {"type": "string", "format": "date"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
STATUS: Schema = {"enum": ["provisional", "final"]}
NAME: Schema = {"type": "string", "minLength": 1}
KIND: Schema = {"enum": ["day", "week", "month", "year", "rolling", "all"]}


def record(properties: Mapping[str, Schema], *, optional: Collection[str] = (), **more: Any) -> Schema:
    """An object with these members and no others, unless `additionalProperties` is given.

    A member without a description gets that of its name.
    """
    return {
        "type": "object",
        "properties": {name: about(schema, MEANINGS.get(name)) for name, schema in properties.items()},
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
        **more,
    }


def about(schema: Schema, meaning: str | None) -> Schema:
    """The schema with a description, unless it has one of its own."""
    return {"description": meaning, **schema} if meaning else schema


def or_null(schema: Schema) -> Schema:
    """The same, or null where nothing is known."""
    return {**schema, "type": [schema["type"], "null"]}


def list_of(items: Schema, **more: Any) -> Schema:
    """An array of such items."""
    return {"type": "array", "items": items, **more}
