"""How a table is declared, and what is made of the declaration."""

from __future__ import annotations

import pytest

from metrics_lake.model.tables import Column, Table, TableError, View

TABLE = Table(
    "silver.things",
    columns="""
    row_kind STRING NOT NULL COMMENT 'Kind, as: a, or b'
    sizes_bytes ARRAY<BIGINT> COMMENT 'Sizes'

    pairs_count ARRAY<STRUCT<a: STRING, b: INT>> NOT NULL COMMENT 'Pairs',
    """,
)


def test_a_line_declares_a_column_with_its_type_and_meaning():
    assert TABLE.fields == (
        Column("row_kind", "STRING", True, "Kind, as: a, or b"),
        Column("sizes_bytes", "ARRAY<BIGINT>", False, "Sizes"),
        Column("pairs_count", "ARRAY<STRUCT<a: STRING, b: INT>>", True, "Pairs"),
    )
    assert TABLE.names == ("row_kind", "sizes_bytes", "pairs_count")


def test_a_table_lies_below_its_layer():
    assert TABLE.path == "silver/things"


def test_spark_is_told_types_nullability_and_meaning():
    assert TABLE.ddl == (
        "row_kind STRING NOT NULL COMMENT 'Kind, as: a, or b', sizes_bytes ARRAY<BIGINT> COMMENT 'Sizes', "
        "pairs_count ARRAY<STRUCT<a: STRING, b: INT>> NOT NULL COMMENT 'Pairs'"
    )


@pytest.mark.parametrize(
    "line",
    ["name STRING", "name COMMENT 'x'", "name string COMMENT 'x'", "name STRING COMMENT ''", "a b STRING COMMENT 'x'"],
)
def test_a_line_that_declares_no_column_is_named_with_its_table(line):
    with pytest.raises(TableError, match=r"^silver.things: not a column: "):
        _ = Table("silver.things", columns=line).fields


def test_a_view_has_the_columns_that_its_kind_fills_in_the_table_s_order():
    view = View("silver.as", TABLE, "a", ("sizes_bytes", "row_kind"))
    assert [column.name for column in view.fields] == ["row_kind", "sizes_bytes"]
