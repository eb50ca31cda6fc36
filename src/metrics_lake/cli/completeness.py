"""`metrics-lake audit completeness`: does every line of every file stand in one account, and which hours are missing?"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from rich.console import Console

from metrics_lake.bronze.completeness import complete_through
from metrics_lake.bronze.haproxy import FILES
from metrics_lake.cli.rows import rows_of, write

_COUNTS = ("line_count", "accepted_count", "reject_count", "unclaimed_count", "skipped_count")
_HOUR = timedelta(hours=1)


def account(lake: str, format_: str, console: Console) -> bool:
    """Prints files and proxies; false if a file's lines don't add up."""
    files = rows_of(lake, FILES, None)
    accounts = pl.sum_horizontal(_COUNTS[1:])
    whole = pl.when(pl.col("status") == "quarantined").then(True).otherwise(pl.col("line_count") == accounts)
    told = files.select("path", "proxy", "status", "reason", *_COUNTS, adds_up=whole)
    write(told, format_, console, title="lines in = accepted + rejected + unclaimed + skipped")
    if format_ == "table":
        write(hours_by_proxy(files), format_, console, title="hours by proxy")
        spans = files.filter(pl.col("first_logged_at").is_not_null()).select(
            "proxy", "first_logged_at", "last_logged_at"
        )
        console.print(f"complete through {complete_through(spans.rows()) or 'nothing yet'}")
    return bool(told["adds_up"].all())


def hours_by_proxy(files: pl.DataFrame) -> pl.DataFrame:
    """Of each proxy: first and last hour, hours received, hours missing between them, files that came twice."""
    known = files.filter(pl.col("first_logged_at").is_not_null())
    rows = []
    for (proxy,), group in known.group_by("proxy", maintain_order=True):
        received = {
            hour
            for first, last in group.select("first_logged_at", "last_logged_at").rows()
            for hour in _hours(first, last)
        }
        between = _hours(min(received), max(received))
        doubled = files.filter((pl.col("proxy") == proxy) & (pl.col("status") == "duplicate")).height
        rows.append((proxy, min(received), max(received), len(received), len(between) - len(received), doubled))
    names = ("proxy", "first_hour", "last_hour", "received", "missing", "files_doubled")
    return pl.DataFrame(rows, schema=list(names), orient="row")


def _hours(first: datetime, last: datetime) -> list[datetime]:
    hour, hours = first.replace(minute=0, second=0, microsecond=0), []
    while hour <= last:
        hours.append(hour)
        hour += _HOUR
    return hours
