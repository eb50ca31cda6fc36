"""A table's columns as Arrow types, so that a worker can hand Spark just the shape it expects."""

from __future__ import annotations

import re

import polars as pl
import pyarrow as pa

from metrics_lake.tables import Table

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
    """Spark SQL's name of a type as Arrow's: the simple ones and arrays of them."""
    listed = re.fullmatch(r"ARRAY<(.+)>", sql)
    return pa.list_(arrow_type(listed[1])) if listed else _SIMPLE[sql]


def arrow_schema(table: Table) -> pa.Schema:
    return pa.schema([pa.field(c.name, arrow_type(c.type), nullable=not c.required) for c in table.fields])


def fitted(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """A frame with some of a table's columns as an Arrow table with all of them, in order; a stray column is an error."""
    stray = set(frame.columns) - set(schema.names)
    if stray:
        raise ValueError(f"columns that the table does not have: {', '.join(sorted(stray))}")
    given = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    columns = [
        given[field.name].cast(field.type) if field.name in frame.columns else pa.nulls(frame.height, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
