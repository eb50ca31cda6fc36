"""Logs the figures of days before they are replaced, and which files changed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.gold import listening_by_day, restatements
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.periods import Period
from metrics_lake.model.tables import in_days
from metrics_lake.silver import sessions


def restate(
    work: JobContext, days: Sequence[date], new: pl.DataFrame, progress: Progress, since: int, through: int
) -> None:
    """Logs the figures in gold of these days beside the `new` ones, before gold is replaced. A second call changes nothing."""
    columns = ("listened_on", "tenant", "stream", *restatements.FIGURES)
    old = work.delta_tables.frame(listening_by_day.TABLE, pl.col("listened_on").is_in(list(days)), columns)
    if old.is_empty():
        return
    now = new.select(columns) if new.height else old.clear()
    new_rows = restatements.compute(old, now, _causes(work, days, since), sessions_version=through)
    if new_rows.height:
        is_of_version = (pl.col("sessions_version") == through) & pl.col("listened_on").is_in(list(days))
        logged = work.delta_tables.frame(restatements.TABLE, is_of_version)
        where = f"sessions_version = {through} AND {in_days('listened_on', days)}"
        work.delta_tables.replace(restatements.TABLE, restatements.joined(logged, new_rows), where, progress)


def _causes(work: JobContext, days: Sequence[date], since: int) -> pl.DataFrame:
    """The files that sessions have taken in after their version `since`, by day: listened_on, tenant, path."""
    files = _new_files(work, since)
    by_day = [
        _in_day(files.filter(tenant=tenant), calendar.day(on)).select("tenant", "path", listened_on=pl.lit(on))
        for tenant, calendar in work.calendars.by_tenant.items()
        for on in days
    ]
    return pl.concat(by_day)


def _new_files(work: JobContext, since: int) -> pl.DataFrame:
    """The files of those batches, by tenant, with their path and their first and last instant."""
    last = work.commit_log.last(sessions.TABLE, until=since)
    is_new = pl.col("batch_number") > (last.progress.watermark[bronze.TABLE.name] if last else 0)
    visits = work.delta_tables.frame(bronze.VISITS, is_new, ("tenant", "file_id", "first_at", "last_at"))
    spans = visits.group_by("tenant", "file_id").agg(
        started_at=pl.col("first_at").min(), ended_at=pl.col("last_at").max()
    )
    paths = work.delta_tables.frame(bronze.FILES, is_new, ("file_id", "path")).unique()
    return spans.join(paths, on="file_id")


def _in_day(spans: pl.DataFrame, day: Period) -> pl.DataFrame:
    return spans.filter((pl.col("started_at") < day.end) & (pl.col("ended_at") >= day.start))
