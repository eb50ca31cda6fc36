"""How many different people listened in a day, week, month, year, the last 7 or 30 days, and ever?

Grain: tenant, stream, period. Exact: listeners are counted in shares, each listener in one share only, so the counts
of the shares add up. What adds up over days (sessions, seconds) or is the highest of them (peaks) is worked out from
the days when asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from metrics_lake.gold import session_buckets
from metrics_lake.model.metrics import Metric
from metrics_lake.model.periods import Calendar
from metrics_lake.model.tables import Table

if TYPE_CHECKING:
    from metrics_lake.gold.parts import Share

TABLE = Table(
    "gold.listening_by_period",
    partitioned_by=("kind",),
    columns="""
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    kind STRING NOT NULL COMMENT 'day, week, month, year, rolling or all'
    name STRING NOT NULL COMMENT 'Name of the period, such as 2001-W03'
    first_on DATE NOT NULL COMMENT 'First day of the period'
    end_on DATE NOT NULL COMMENT 'Day after its last'
    unique_listeners BIGINT NOT NULL COMMENT 'Distinct listeners in the period'
    unique_by_hour ARRAY<BIGINT> NOT NULL COMMENT 'Distinct listeners in each hour of the day, 24 of them'
    """,
)

PERIOD = ("kind", "name")
KEYS = ("stream", *PERIOD)
_IN_HOUR = tuple(f"in_hour_{hour}" for hour in range(24))


def share(part: Share) -> tuple[pl.DataFrame]:
    """How many of a share of the listeners were there in each period, in all and in each hour of the day."""
    who = session_buckets.with_whole_tenant(part.buckets.select(*KEYS, "listener")).unique()
    hours = session_buckets.with_whole_tenant(_hours(part.buckets, part.calendar)).unique()
    by_hour = hours.group_by(KEYS).agg(
        (pl.col("hour_of_day") == hour).sum().cast(pl.Int64).alias(name) for hour, name in enumerate(_IN_HOUR)
    )
    counted = who.group_by(KEYS).agg(unique_listeners=pl.len().cast(pl.Int64)).join(by_hour, on=KEYS)
    return (counted.join(part.bounds, on=PERIOD),)


def _hours(buckets: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Which listener was there in which hour of the day: KEYS, listener, hour_of_day."""
    if buckets.is_empty():
        return buckets.select(*KEYS, "listener", hour_of_day=pl.lit(0))
    first, last = buckets.select(low=pl.col("from_ms").min(), high=pl.col("to_ms").max()).row(0)
    days = calendar.days(session_buckets.moment(first), session_buckets.moment(last))
    timed = buckets.select(*KEYS, "listener", "started", "ended", "from_ms", "to_ms", "is_ended", "^bucket_.*$")
    in_hours = session_buckets.in_hours(timed, session_buckets.hours(calendar, days)).filter("is_active")
    return in_hours.select(*KEYS, "listener", "hour_of_day").unique()


def compute(frames: Sequence[pl.DataFrame], minimum_group: int) -> pl.DataFrame:
    """The shares of the tenants' listeners together, one row a period, in order."""
    [shares] = frames
    keys = ("tenant", *KEYS, "first_on", "end_on")
    total = shares.group_by(keys).agg(pl.col("unique_listeners", *_IN_HOUR).sum())
    return total.select(*keys, "unique_listeners", unique_by_hour=pl.concat_list(_IN_HOUR)).sort("tenant", *KEYS)


METRIC = Metric(TABLE, "period", compute, share)
