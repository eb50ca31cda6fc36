"""`--where COLUMN=VALUE` is typed by the column."""

from __future__ import annotations

import polars as pl
import pytest
import typer

from metrics_lake.cli.output.conditions import condition
from metrics_lake.model.tables import Column
from tests.unit.drawing import day, utc

COLUMNS = tuple(
    Column(name, kind, False, "")
    for name, kind in {
        "tenant": "STRING", "count": "BIGINT", "share": "DOUBLE", "is_bot": "BOOLEAN", "on": "DATE", "at": "TIMESTAMP",
        "sizes": "ARRAY<BIGINT>",
    }.items()
)  # fmt: skip
ROWS = pl.DataFrame(
    {
        "row": [1, 2, 3],
        "tenant": ["acme", "a=b", None],
        "count": [1, 2, 3],
        "share": [0.5, 1.0, None],
        "is_bot": [True, False, None],
        "on": [day("2001-01-15"), day("2001-01-16"), None],
        "at": [utc("2001-01-15 10:00"), utc("2001-01-15 10:00:30"), utc("2001-01-16 00:00")],
    }
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("tenant=acme", [1]),
        ("tenant = acme", [1]),
        ("tenant=a=b", [2]),
        ("tenant=", [3]),
        ("share=", [3]),
        ("count=2", [2]),
        ("share=0.5", [1]),
        ("is_bot=yes", [1]),
        ("is_bot=FALSE", [2]),
        ("on=2001-01-16", [2]),
        ("at=2001-01-15", [1, 2]),
        ("at=2001-01-15T10:00", [1, 2]),
        ("at=2001-01-15T10:00:30Z", [2]),
        ("at=2001-01-15T12:00:30+02:00", [2]),
        ("at=2001-01-17", []),
    ],
)
def test_rows_are_chosen_by_a_value_of_the_column_s_type(text, rows):
    assert ROWS.filter(condition(text, COLUMNS))["row"].to_list() == rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tennant=acme", "there is no 'tennant'; nearest: tenant (all: tenant, count, share, is_bot, on, at, sizes)"),
        ("tenant", "'tenant' is no condition; write COLUMN=VALUE"),
        ("count=many", "count is like 42, not 'many'"),
        ("is_bot=maybe", "is_bot is like true or false, not 'maybe'"),
        ("at=yesterday", "at is like 2026-11-22T18:00, not 'yesterday'"),
        ("sizes=1", "sizes holds ARRAY<BIGINT>, which can't be compared"),
    ],
)
def test_a_wrong_condition_is_answered_with_what_would_be_right(text, said):
    with pytest.raises(typer.BadParameter) as error:
        condition(text, COLUMNS)
    assert error.value.message == said
