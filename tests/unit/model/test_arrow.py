"""Frames of a source in the shape of a table: every column, in order, in its type."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from metrics_lake.bronze import haproxy
from metrics_lake.model.arrow import arrow_schema, arrow_type, fitted, with_sound_lists
from metrics_lake.model.tables import Table

TABLE = Table(
    "bronze.things",
    columns="""
    name STRING NOT NULL COMMENT 'Name'
    counted_count BIGINT COMMENT 'How many'
    on_day DATE COMMENT 'Day'
    seen_at TIMESTAMP COMMENT 'Instant, UTC'
    sizes_bytes ARRAY<SMALLINT> COMMENT 'Sizes'
    """,
)
SCHEMA = arrow_schema(TABLE)


@pytest.mark.parametrize(
    ("sql", "arrow"),
    [
        ("STRING", pa.string()),
        ("BIGINT", pa.int64()),
        ("TIMESTAMP", pa.timestamp("us", tz="UTC")),
        ("ARRAY<TINYINT>", pa.list_(pa.int8())),
        ("ARRAY<ARRAY<DATE>>", pa.list_(pa.list_(pa.date32()))),
    ],
)
def test_each_type_of_spark_has_its_arrow_type(sql, arrow):
    assert arrow_type(sql) == arrow


def test_columns_that_a_frame_lacks_are_filled_with_nulls_in_the_table_s_order():
    got = fitted(pl.DataFrame({"counted_count": [1, 2], "name": ["a", "b"]}), SCHEMA)
    assert got.schema == SCHEMA
    assert got.to_pylist()[0] == {"name": "a", "counted_count": 1, "on_day": None, "seen_at": None, "sizes_bytes": None}


def test_columns_are_cast_to_the_table_s_types():
    frame = pl.DataFrame(
        {
            "name": pl.Series(["a"], dtype=pl.Categorical),
            "counted_count": pl.Series([7], dtype=pl.UInt8),
            "seen_at": pl.Series([0]).cast(pl.Datetime("ms", "UTC")),
            "sizes_bytes": pl.Series([[1, 2]], dtype=pl.List(pl.Int64)),
        }
    )
    got = fitted(frame, SCHEMA)
    assert got.schema == SCHEMA and got["sizes_bytes"].to_pylist() == [[1, 2]]


def test_a_stray_column_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="columns that the table does not have: address, zip"):
        fitted(pl.DataFrame({"name": ["a"], "zip": [1], "address": ["192.0.2.7"]}), SCHEMA)


def test_a_number_that_does_not_fit_is_an_error_and_never_another_number():
    with pytest.raises(pa.ArrowInvalid):
        fitted(pl.DataFrame({"name": ["a"], "sizes_bytes": [[70_000]]}), SCHEMA)


def test_a_frame_without_rows_has_the_table_s_shape_too():
    assert fitted(pl.DataFrame({"name": pl.Series([], dtype=pl.String)}), SCHEMA).schema == SCHEMA


def test_every_column_of_bronze_has_an_arrow_type():
    assert arrow_schema(haproxy.TABLE).names == list(haproxy.TABLE.names)


def test_lists_without_any_text_have_offsets_that_a_reader_can_take():
    texts = pa.Array.from_buffers(pa.string(), 0, [None, pa.py_buffer(b"\xfe" * 8).slice(8, 0), pa.py_buffer(b"")])
    offsets = pa.py_buffer(bytes(4 * 4))
    lists = pa.Array.from_buffers(pa.list_(pa.string()), 3, [pa.py_buffer(b"\x02"), offsets], children=[texts])
    sound = with_sound_lists(pa.table({"texts": lists, "numbers": [[1], [], None]}))
    assert sound.to_pydict() == {"texts": [None, [], None], "numbers": [[1], [], None]}
    assert sound["texts"].chunk(0).values.buffers()[1] is None or sound["texts"].chunk(0).values.buffers()[1].size >= 4
