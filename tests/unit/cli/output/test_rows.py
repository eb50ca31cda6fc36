"""Rows as a table, CSV or JSON."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest
from rich.console import Console

from metrics_lake.cli.output.rows import grid, write
from tests.unit.drawing import day


def test_a_table_tells_the_size_of_a_sketch_and_not_its_bytes(run, capsys):
    Console(width=80).print(
        grid(pl.DataFrame({"unique_sketch": [b"x" * 1234], "on_day": [day("2001-01-15")]}), "title")
    )
    shown = capsys.readouterr().out
    assert "1,234 bytes" in shown and "7878" not in shown and "2001-01-15" in shown


@pytest.mark.parametrize("text", ["=1+1", "+1", "@x", "-1", "\tx", "\rx"])
def test_no_text_in_csv_can_be_run_by_a_spreadsheet(world, text):
    from rich.console import Console

    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdout", out)
        write(pl.DataFrame({"a": [text], "b": [1]}), "csv", Console())
    assert next(csv.DictReader(io.StringIO(out.getvalue(), newline="")))["a"] == f"'{text}"
