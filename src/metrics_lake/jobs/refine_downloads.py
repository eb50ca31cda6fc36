"""Reports of stores into silver.downloads: months that changed, or all where the choice of a column changed with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from metrics_lake.bronze import store_reports as bronze
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.arrow import polars_schema
from metrics_lake.silver import download_columns as columns
from metrics_lake.silver import downloads as silver

_EVERY_MONTH, _CHOSEN = "month IS NOT NULL", "columns"
_REJECT = pl.col("row_kind") == "reject"


@dataclass(frozen=True)
class Due:
    """What is to be refined: batches after `since` (0: everything anew) up to `through`, for `apps`, under `settled` rules."""

    since: int
    through: int
    apps: Sequence[tuple[str, str, str, str | None]]
    settled: str


def refine(work: JobContext, due: Due) -> None:
    """Replaces the months of new reports; every month where other columns count as downloads than did before."""
    days = _days(work, due)
    months = months_of(days)
    told = sorted_out(work, due, months)
    choice = columns.chosen(pl.concat([_standing(work, months), told]) if due.since else told)
    last = work.commit_log.last(silver.TABLE)
    if due.since and last and last.progress.more.get(_CHOSEN) != choice:
        refine(work, replace(due, since=0))
        return
    rows = columns.applied(told, choice).select(silver.TABLE.names)
    read = {bronze.TABLE.name: due.through}
    progress = Progress("downloads", read, due.settled, tuple(on.isoformat() for on in days), {_CHOSEN: choice})
    work.delta_tables.replace(silver.TABLE, rows, in_months(months) if due.since else _EVERY_MONTH, progress)


def sorted_out(work: JobContext, due: Due, months: Iterable[str]) -> pl.DataFrame:
    """Rows of silver.downloads of these months, as yet without a choice of columns."""
    named = named_apps(due.apps)
    nothing = pl.DataFrame(schema=polars_schema(silver.TABLE))
    return pl.concat([nothing, *(silver.sorted_out(reports_of(work, month, due.through), named) for month in months)])


def named_apps(apps: Sequence[tuple[str, str, str, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(apps, silver.APPS, orient="row")


def reports_of(work: JobContext, month: str, through: int) -> pl.DataFrame:
    """What bronze holds of a month: rows and files of its days, and rejects, of which some name no day."""
    first_on = date.fromisoformat(f"{month}-01")
    end_on = (first_on + timedelta(days=31)).replace(day=1)
    is_of_month = (pl.col("downloaded_on") >= first_on) & (pl.col("downloaded_on") < end_on)
    return work.delta_tables.frame(bronze.TABLE, (is_of_month | _REJECT) & (pl.col("batch_number") <= through))


def months_in(work: JobContext) -> list[str]:
    """Every month of which bronze holds a report."""
    held = work.delta_tables.frame(bronze.TABLE, pl.col("downloaded_on").is_not_null() & ~_REJECT, ["downloaded_on"])
    return months_of(held["downloaded_on"].unique().to_list())


def months_of(days: Iterable[date]) -> list[str]:
    return sorted({f"{on:%Y-%m}" for on in days})


def in_months(months: Sequence[str]) -> str:
    return f"month IN ({', '.join(map(repr, months))})" if months else "FALSE"


def _days(work: JobContext, due: Due) -> list[date]:
    is_new = (pl.col("batch_number") > due.since) & (pl.col("batch_number") <= due.through)
    known = pl.col("downloaded_on").is_not_null()
    new = work.delta_tables.frame(bronze.TABLE, known & is_new, ["downloaded_on"])
    days: list[date] = new["downloaded_on"].unique().sort().to_list()
    return days


def _standing(work: JobContext, months: Sequence[str]) -> pl.DataFrame:
    """The rows of silver.downloads that stay as they are."""
    return work.delta_tables.frame(silver.TABLE, ~pl.col("month").is_in(months))
