"""Sessions into the tables of gold, part by part: a tenant's day each, or a share of a tenant's listeners for its periods.

Which metrics there are, and what they are, is theirs to say: here they are only looped over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from metrics_lake.gold.parts import Day, Share
from metrics_lake.gold.session_lengths_by_day import with_length_bucket
from metrics_lake.jobs.over_parts import Frames, Key, over_parts
from metrics_lake.model.calendars import Calendars, Named
from metrics_lake.model.dimensions import DIMENSIONS
from metrics_lake.model.metrics import Metric
from metrics_lake.silver import tenant_days

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    Sessions = pl.DataFrame | DataFrame  # rows of silver.sessions, in this process or Spark's

READ = (
    "tenant", "stream", "listener_id", "started_on", "started_at", "ended_at", "last_request_at", "exclusion",
    *(dimension.column for dimension in DIMENSIONS if dimension.column != "stream"),
)  # fmt: skip


def by_day(
    sessions: Sessions, metrics: Sequence[Metric], calendars: Calendars, days: Sequence[date], edges: Sequence[int]
) -> Frames:
    """Each metric's table, by its name, for all tenants' days; `edges` are those of length buckets, in minutes."""
    clocks = calendars.by_tenant

    def compute(key: Key, rows: pl.DataFrame) -> Frames:
        tenant, on = key
        if not clocks[tenant].has_day(on):
            return {}
        day, columns = Day(rows, clocks[tenant], on), {"listened_on": pl.lit(on), "tenant": pl.lit(tenant)}
        return {metric.table.name: metric.compute(day).with_columns(**columns) for metric in metrics}

    return over_parts(_with_days(sessions, calendars, days, edges), ("tenant", "on_day"), compute)


def by_period(
    sessions: Sessions, metrics: Sequence[Metric], calendars: Calendars, named: Named, shares: int, minimum_group: int
) -> Frames:
    """Each metric's table, by its name, for these periods, from so many shares of each tenant's listeners."""
    clocks, periods = calendars.by_tenant, named.by_tenant

    def compute(key: Key, rows: pl.DataFrame) -> Frames:
        tenant, _ = key
        share, frames = Share(rows, clocks[tenant], periods[tenant]), Frames()
        for metric in metrics:
            for number, frame in enumerate(metric.share(share) if metric.share else ()):
                frames[f"{metric.table.name} {number}"] = frame.with_columns(tenant=pl.lit(tenant))
        return frames

    frames = over_parts(_with_shares(sessions, list(periods), shares), ("tenant", "share"), compute)
    return {metric.table.name: metric.compute(_of(metric, frames), minimum_group) for metric in metrics if frames}


def _of(metric: Metric, frames: Frames) -> list[pl.DataFrame]:
    """The frames of a metric's shares, in the order in which it gives them."""
    return [frame for name, frame in frames.items() if name.rpartition(" ")[0] == metric.table.name]


def _with_days(sessions: Sessions, calendars: Calendars, days: Sequence[date], edges: Sequence[int]) -> Sessions:
    """Sessions by on_day, the days that they touch, with the bucket of their length."""
    clocks = calendars.by_tenant
    if isinstance(sessions, pl.DataFrame):
        return tenant_days.by_day(with_length_bucket(sessions, edges), clocks, days)
    from pyspark.sql import functions as F

    from metrics_lake.jobs import session_columns

    on_day = F.explode(session_columns.days_touched(clocks, min(days), max(days))).alias("on_day")
    dated = session_columns.with_length_bucket(sessions, edges).select(*READ, "at_least_minutes", on_day)
    return dated.where(F.col("on_day").isin(list(days)))


def _with_shares(sessions: Sessions, tenants: Sequence[str], shares: int) -> Sessions:
    """Counted sessions of these tenants with the share that their listener belongs to; this process takes them all as one."""
    if isinstance(sessions, pl.DataFrame):
        counted = sessions.filter(pl.col("exclusion").is_null(), pl.col("tenant").is_in(tenants))
        return counted.with_columns(share=pl.lit(0))
    from pyspark.sql import functions as F

    share = F.pmod(F.xxhash64("listener_id"), F.lit(shares)).alias("share")
    return sessions.where(F.col("exclusion").isNull() & F.col("tenant").isin(tenants)).select(*READ, share)
