"""Rows as a table, CSV or JSON."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest
from rich.console import Console

from metrics_lake.cli.output.table_output import write
from tests.unit.drawing import day, utc


def shown(rows: pl.DataFrame, width: int = 80, **more) -> str:
    console = Console(file=io.StringIO(), width=width)
    write(rows, "table", console, **more)
    return console.file.getvalue()


def test_a_table_tells_the_size_of_a_sketch_and_not_its_bytes():
    text = shown(pl.DataFrame({"unique_sketch": [b"x" * 1234], "on_day": [day("2001-01-15")]}), title="title")
    assert "1,234 bytes" in text and "7878" not in text and "2001-01-15" in text


@pytest.mark.parametrize(("values", "texts"), [
    ([utc("2001-01-15 10:00"), utc("2001-01-15 11:30")], ["2001-01-15 10:00Z", "2001-01-15 11:30Z"]),
    ([utc("2001-01-15 10:00"), utc("2001-01-15 11:30:05")], ["2001-01-15 10:00:00Z", "2001-01-15 11:30:05Z"]),
    ([1234567, -1], ["1,234,567", "-1"]), ([1234.56789, 0.00012], ["1,234.568", "0.00012"]),
    ([True, False], ["yes", "no"]), ([[1, 2], []], ["[1, 2]", "[]"]), (["x", None], ["x"]),
])  # fmt: skip
def test_values_are_written_for_people_in_a_table(values, texts):
    assert [line.strip() for line in shown(pl.DataFrame({"a": values})).splitlines()[2:] if line.strip()] == texts


def test_a_wide_table_has_everything_in_full_on_lines_as_long_as_it_takes():
    rows = pl.DataFrame({"path": ["p" * 90], "masked_text": ["m" * 90]})
    assert "p" * 90 + "  " + "m" * 90 in shown(rows, is_wide=True)
    assert "p" * 90 not in shown(rows)


@pytest.mark.parametrize("text", ["=1+1", "+1", "@x", "-1", "\tx", "\rx"])
def test_no_text_in_csv_can_be_run_by_a_spreadsheet(text):
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdout", out)
        write(pl.DataFrame({"a": [text], "b": [1]}), "csv", Console())
    assert next(csv.DictReader(io.StringIO(out.getvalue(), newline="")))["a"] == f"'{text}"
