"""Rows of a table for the terminal, as CSV or as JSON, read without Spark."""

from __future__ import annotations

import json
import sys
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table as Grid

from metrics_lake.io import delta
from metrics_lake.settings import SettingsError
from metrics_lake.tables import Table, View

_NEWEST = (
    "minute_at",
    "hour_at",
    "started_at",
    "first_at",
    "listened_on",
    "first_on",
    "last_logged_at",
    "batch_number",
    "downloaded_on",
)
_ORDER = (
    "tenant", "stream", "path", "line_number", "row_number", "dimension", "dimension_value", "at_least_minutes", "name",
    "store", "app", "country", "device",
)  # fmt: skip


def rows_of(lake: str, table: Table | View, limit: int | None) -> pl.DataFrame:
    """The newest rows first, then by name; a table that doesn't exist yet is an error that says so."""
    of = table.of if isinstance(table, View) else table
    names = [column.name for column in table.fields]
    rows = delta.scanned(f"{lake}/{of.path}")
    if rows is None:
        raise SettingsError(f"no {table.name} below {lake} yet; `metrics-lake run` makes it")
    rows = delta.with_all_columns(rows, of)
    if isinstance(table, View):
        rows = rows.filter(pl.col("row_kind") == table.kind)
    newest, order = [n for n in _NEWEST if n in names], [n for n in _ORDER if n in names]
    ordered = rows.select(names).sort(
        [*newest, *order], descending=[True] * len(newest) + [False] * len(order), nulls_last=True
    )
    return (ordered.head(limit) if limit else ordered).collect()


def write(rows: pl.DataFrame, format_: str, console: Console, *, title: str = "") -> None:
    """Prints rows in the format asked for; CSV and JSON go to stdout bare, so that other programs can read them."""
    if format_ == "json":
        for row in rows.iter_rows(named=True):
            sys.stdout.write(json.dumps(row, default=plain, ensure_ascii=False) + "\n")
    elif format_ == "csv":
        flat = rows.with_columns(_flat(rows, name) for name in rows.columns)
        sys.stdout.write(flat.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.3fZ"))
    else:
        console.print(grid(rows, title))


def _flat(rows: pl.DataFrame, name: str) -> pl.Expr:
    """A column that CSV can hold: lists and bytes as JSON text, texts that a spreadsheet would run made harmless."""
    dtype = rows.schema[name]
    if dtype.is_nested() or dtype == pl.Binary:
        texts = [None if value is None else json.dumps(plain(value), default=plain) for value in rows[name].to_list()]
        return pl.lit(pl.Series(name, texts, pl.String)).alias(name)
    if dtype == pl.String:
        return pl.col(name).str.replace(r"^([=+@\t\r-])", "'$1")
    return pl.col(name)


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, pl.Series):
        return value.to_list()
    return value.isoformat() if hasattr(value, "isoformat") else value


def grid(rows: pl.DataFrame, title: str) -> Grid:
    shown = Grid(title=title, caption=None if rows.height else "no rows")
    for name, dtype in rows.schema.items():
        shown.add_column(name, justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in rows.iter_rows():
        shown.add_row(*("" if value is None else _short(value) for value in row))
    return shown


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    value = plain(value)
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"
