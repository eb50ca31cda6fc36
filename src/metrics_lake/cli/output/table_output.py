"""Rows of a table, read without Spark, and printed as a table, CSV or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import typer
from rich.console import Console

from metrics_lake.bronze import haproxy
from metrics_lake.cli.output.consoles import console as console_of
from metrics_lake.cli.output.consoles import is_unicode
from metrics_lake.cli.output.layout import Column, shorten, table, total_width
from metrics_lake.config.settings import SettingsError
from metrics_lake.io.lake import delta
from metrics_lake.model.tables import Table, View

_LONGEST_TEXT = 60  # characters, in a table that is not wide
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
    "tenant", "stream", "path", "proxy", "line_number", "row_number", "dimension", "dimension_value", "at_least_minutes", "name",
    "store", "app", "country", "device",
)  # fmt: skip


def rows_of(lake: str, source: Table | View, limit: int | None, conditions: Iterable[pl.Expr] = ()) -> pl.DataFrame:
    """The rows that meet all conditions, newest first, then by name. Raises SettingsError if there is no such table yet."""
    stored = source.table if isinstance(source, View) else source
    names = [column.name for column in source.fields]
    rows = delta.scanned(f"{lake}/{stored.path}")
    if rows is None:
        raise SettingsError(f"no {source.name} below {lake} yet; {_why_missing(lake)}")
    rows = delta.with_all_columns(rows, stored)
    if isinstance(source, View):
        rows = rows.filter(pl.col("row_kind") == source.kind)
    rows = rows.filter(*conditions)
    newest, order = [n for n in _NEWEST if n in names], [n for n in _ORDER if n in names]
    ordered = rows.select(names).sort(
        [*newest, *order], descending=[True] * len(newest) + [False] * len(order), nulls_last=True
    )
    return (ordered.head(limit) if limit else ordered).collect()


def _why_missing(lake: str) -> str:
    """What to do about a table that isn't there: a run makes it, unless there was one and no stream claimed anything."""
    bronze = delta.scanned(f"{lake}/{haproxy.TABLE.path}")
    if bronze is None:
        return "`metrics-lake run` makes it"
    counts = bronze.filter(pl.col("row_kind") == haproxy.FILES.kind).select("accepted_count", "unclaimed_count")
    accepted, unclaimed = counts.sum().collect().row(0)
    if accepted:
        return "`metrics-lake run` makes it"
    if unclaimed:
        return (
            f"no stream claims any of the {unclaimed:,} requests that came: `metrics-lake show bronze.unclaimed` has their "
            "paths, `metrics-lake tenants check FILE` tries the streams on a log"
        )
    return "no line that came is a request of a stream: `metrics-lake show bronze.rejects` has those that can't be read"


def shown_rows(
    lake: str, source: Table | View, names: Sequence[str] | None, limit: int | None, conditions: Iterable[pl.Expr] = ()
) -> tuple[pl.DataFrame, str]:
    """The rows that `show` starts from, and which come first: those of `rows_of`; of a view that is summed, sums.

    A sum has the columns that the view is summed by, the count and the newest day. Naming columns asks for the rows themselves.
    """
    if names or not isinstance(source, View) or not source.summed_by:
        return rows_of(lake, source, limit, conditions), "newest"
    rows = rows_of(lake, source, None, conditions)
    summed = rows.group_by(source.summed_by).agg(pl.col("happened_on").max(), pl.col("line_count").sum())
    ordered = summed.sort(-pl.col("line_count"), *source.summed_by, nulls_last=True)
    columns = [name for name in source.columns if name in summed.columns]
    return (ordered.head(limit) if limit else ordered).select(columns), "most frequent"


def write(
    rows: pl.DataFrame,
    format_: str,
    console: Console,
    *,
    title: str = "",
    optional: Collection[str] = (),
    is_wide: bool = False,
    advice: str = "a wider terminal shows all",
) -> None:
    """Prints rows in a format. CSV and JSON go to stdout without anything else, so that other programs can read them.

    A table fits the console: `optional` columns are left out first. A wide one has everything in full on long lines.
    """
    if format_ == "json":
        for row in rows.iter_rows(named=True):
            sys.stdout.write(json.dumps(row, default=plain, ensure_ascii=not is_unicode()) + "\n")
    elif format_ == "csv":
        flat = rows.with_columns(_flat(rows, name) for name in rows.columns)
        sys.stdout.write(flat.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.3fZ"))
    elif is_wide:
        columns = columns_of(rows, most=None)
        width = max(console.width, total_width(columns))
        wide = console_of(file=console.file, width=width, force_terminal=console.is_terminal)
        wide.print(table(columns, width, title))
    else:
        console.print(table(columns_of(rows, optional=optional), console.width, title, advice=advice))


def on_clocks(rows: pl.DataFrame, zones: Mapping[str, str]) -> pl.DataFrame:
    """Instants as texts on the clock of each row's tenant, with its offset; in UTC where the tenant is not known.

    `zones` are the tenants' time zones. Raises a usage error if the rows have no tenant.
    """
    instants = [name for name, kind in rows.schema.items() if isinstance(kind, pl.Datetime)]
    if "tenant" not in rows.columns:
        raise typer.BadParameter("this table has no column tenant; its instants are UTC", param_hint="--tenant-time")
    return rows.with_columns(_on_clocks(name, zones) for name in instants)


def _on_clocks(name: str, zones: Mapping[str, str]) -> pl.Expr:
    column = pl.col(name).dt.replace_time_zone("UTC")
    texts = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    for tenant, zone in zones.items():
        local = column.dt.convert_time_zone(zone).dt.strftime("%Y-%m-%dT%H:%M:%S%:z")
        texts = pl.when(pl.col("tenant") == tenant).then(local).otherwise(texts)
    return texts.alias(name)


def _flat(rows: pl.DataFrame, name: str) -> pl.Expr:
    """A column as CSV can store it: lists and bytes as JSON text, and no text that a spreadsheet would run as a formula."""
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


def columns_of(rows: pl.DataFrame, *, optional: Collection[str] = (), most: int | None = _LONGEST_TEXT) -> list[Column]:
    """The columns as texts for the terminal, each text at most `most` characters long."""
    return [
        Column(name, _texts(rows[name], most), kind.is_numeric(), name in optional or _is_long(kind))
        for name, kind in rows.schema.items()
    ]


def _is_long(kind: pl.DataType) -> bool:
    """Whether values of a type say little in a narrow table: sketches and lists."""
    return kind == pl.Binary or kind.is_nested()


def _texts(values: pl.Series, most: int | None) -> tuple[str, ...]:
    """The values of a column; instants to the minute if all of them are whole minutes."""
    listed = values.to_list()
    instants = [value for value in listed if isinstance(value, datetime)]
    pattern = "%Y-%m-%d %H:%M" if all(not at.second and not at.microsecond for at in instants) else "%Y-%m-%d %H:%M:%S"
    texts = (f"{value:{pattern}}Z" if isinstance(value, datetime) else _text(value) for value in listed)
    return tuple(text if most is None else shorten(text, most) for text in texts)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.4g}"
    return value if isinstance(value, str) else _json_text(plain(value))


def _json_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=plain, ensure_ascii=False)
