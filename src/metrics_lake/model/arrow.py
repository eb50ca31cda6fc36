"""A table's columns as Arrow types, so that who makes rows hands on just the shape that is declared."""

from __future__ import annotations

import re
from functools import cache

import polars as pl
import pyarrow as pa

from metrics_lake.model.tables import Table

_SIMPLE = {
    "STRING": pa.string(),
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INT": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BINARY": pa.binary(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


def arrow_type(sql: str) -> pa.DataType:
    """Spark SQL's name of a type as Arrow's: the simple ones, and arrays and maps of them."""
    if listed := re.fullmatch(r"ARRAY<(.+)>", sql):
        return pa.list_(arrow_type(listed[1]))
    if mapped := re.fullmatch(r"MAP<(\w+), *(\w+)>", sql):
        return pa.map_(arrow_type(mapped[1]), arrow_type(mapped[2]))
    return _SIMPLE[sql]


@cache
def arrow_schema(table: Table) -> pa.Schema:
    """The columns with their types and comments."""
    return pa.schema(
        pa.field(c.name, arrow_type(c.type), nullable=not c.required, metadata={"comment": c.comment})
        for c in table.fields
    )


@cache
def polars_schema(table: Table) -> pl.Schema:
    """The columns with the types that Polars gives them."""
    empty = pl.from_arrow(arrow_schema(table).empty_table())
    assert isinstance(empty, pl.DataFrame)
    return empty.schema


def fitted(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """A frame with some of a table's columns as an Arrow table with all of them, in order; a stray column is an error."""
    stray = set(frame.columns) - set(schema.names)
    if stray:
        raise ValueError(f"columns that the table does not have: {', '.join(sorted(stray))}")
    given = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    columns = [
        _cast(given[field.name], field.type) if field.name in frame.columns else pa.nulls(frame.height, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _cast(column: pa.ChunkedArray, to: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Polars has no maps: there they are lists of (key, value)."""
    if not pa.types.is_map(to):
        return column.cast(to)
    pairs = column.combine_chunks().cast(pa.list_(pa.struct([("key", to.key_type), ("value", to.item_type)])))
    return pa.MapArray.from_arrays(pairs.offsets, pairs.values.field("key"), pairs.values.field("value"))


def with_sound_lists(rows: pa.Table) -> pa.Table:
    """The same rows, with lists of texts that any reader can take.

    Where all lists of a column are empty Spark gives their texts an offset buffer of no bytes. Arrow allows it, and delta-rs
    reads what lies behind it in memory.
    """
    for place, field in enumerate(rows.schema):
        if pa.types.is_list(field.type) and pa.types.is_string(field.type.value_type):
            chunks = [_sound(chunk) for chunk in rows.column(place).chunks]
            rows = rows.set_column(place, field, pa.chunked_array(chunks, field.type))
    return rows


def _sound(lists: pa.ListArray) -> pa.ListArray:
    return lists if len(lists.values) else pa.array(lists.to_pylist(), lists.type)
