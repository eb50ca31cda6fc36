"""Downloads by day, computed from silver.downloads without Spark.

A month is computed as a whole, since it is the partition of the table and Google rewrites a month's report every day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from metrics_lake.gold import downloads_by_day as gold
from metrics_lake.gold.discovery import of_grain
from metrics_lake.io.lake.commit_log import Commit, Progress
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.refine_downloads import in_months, months_of
from metrics_lake.model.tables import Table
from metrics_lake.silver import downloads as silver


def compute(context: JobContext, *, days: Sequence[date] = (), metric: str | None = None) -> bool:
    """Updates the metrics of whole months to silver.downloads, and computes the months of `days` again; false if nothing is due.

    All of them are computed together, so `metric` chooses nothing.
    """
    monthly, version = of_grain("month"), context.commit_log.version(silver.TABLE)
    since = min(_computed_to(context, declaration.table) for declaration in monthly)
    if version < 0 or (since >= version and not days):
        return False
    context.on_step("working out downloads by day")
    changed = sorted(_days(context.commit_log.commits(silver.TABLE, after=since)) | set(days))
    months = months_of(changed)
    downloads = context.delta_tables.frame(silver.TABLE, pl.col("month").is_in(months))
    progress = _progress({silver.TABLE: version}, "", changed)
    for declaration in monthly:
        context.delta_tables.replace(declaration.table, declaration.compute(downloads), in_months(months), progress)
    return True


def _computed_to(context: JobContext, table: Table) -> int:
    """The version of silver.downloads that a table of gold was computed from; -1 where there is none yet."""
    last = context.commit_log.last(table)
    return last.progress.watermark[silver.TABLE.name] if last else -1


def _progress(through: dict[Table, int], settled: str, days: Iterable[date]) -> Progress:
    read = {table.name: version for table, version in through.items()}
    return Progress("downloads", read, settled, tuple(on.isoformat() for on in days))


def _days(commits: Iterable[Commit]) -> set[date]:
    return {date.fromisoformat(day) for commit in commits for day in commit.progress.days}


def days_changed(context: JobContext, after: int) -> set[date]:
    """The days whose figures may have changed since a version of gold.downloads_by_day."""
    return _days(context.commit_log.commits(gold.TABLE, after=after))


def version(context: JobContext) -> int:
    """The newest version of gold.downloads_by_day; -1 where there is none."""
    return context.commit_log.version(gold.TABLE)
