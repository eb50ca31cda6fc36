"""How many different people listened in a day, week, month, year, the last 7 or 30 days, and ever?

Grain: tenant, stream, period. Exact: listeners are counted in shares, each listener in one share only, so the counts
of the shares add up. What adds up over days (sessions, seconds) or is the highest of them (peaks) is worked out from
the days when asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from metrics_lake.gold import session_buckets as laid
from metrics_lake.model.periods import Calendar, Period
from metrics_lake.model.tables import Metric, Table
from metrics_lake.silver import sessions

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
METRIC = Metric("listening_by_period", reads=(sessions.TABLE,), writes=TABLE)

PERIOD = ("kind", "name")
KEYS = ("stream", *PERIOD)
_IN_HOUR = tuple(f"in_hour_{hour}" for hour in range(24))


def in_periods(stays: pl.DataFrame, periods: Sequence[Period]) -> pl.DataFrame:
    """The stays that are active in each of the periods, with kind and name beside the columns of stays.inside."""
    found = [
        laid.in_bucket(stays, laid.milliseconds(p.start), laid.milliseconds(p.end))
        .filter("is_active")
        .with_columns(kind=pl.lit(p.kind), name=pl.lit(p.name))
        for p in periods
    ]
    return pl.concat(found)


def share(stays: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """From the stays in periods of a share of the listeners to how many were there, in all and in each hour of the day."""
    who = laid.with_whole_tenant(stays.select(*KEYS, "listener")).unique()
    hours = laid.with_whole_tenant(_hours(stays, calendar)).unique()
    by_hour = hours.group_by(KEYS).agg(
        (pl.col("hour_of_day") == hour).sum().cast(pl.Int64).alias(name) for hour, name in enumerate(_IN_HOUR)
    )
    return who.group_by(KEYS).agg(unique_listeners=pl.len().cast(pl.Int64)).join(by_hour, on=KEYS)


def _hours(stays: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Which listener was there in which hour of the day: KEYS, listener, hour_of_day."""
    if stays.is_empty():
        return stays.select(*KEYS, "listener", hour_of_day=pl.lit(0))
    first, last = stays.select(low=pl.col("from_ms").min(), high=pl.col("to_ms").max()).row(0)
    days = calendar.days(laid.moment(first), laid.moment(last))
    timed = stays.select(*KEYS, "listener", "started", "ended", "from_ms", "to_ms", "is_ended", "^bucket_.*$")
    heard = laid.in_hours(timed, laid.hours(calendar, days)).filter("is_active")
    return heard.select(*KEYS, "listener", "hour_of_day").unique()


def compute(shares: pl.DataFrame) -> pl.DataFrame:
    """The shares of the tenants' listeners together, one row a period, in order."""
    total = shares.group_by("tenant", *KEYS).agg(pl.col("unique_listeners", *_IN_HOUR).sum())
    return total.select("tenant", *KEYS, "unique_listeners", unique_by_hour=pl.concat_list(_IN_HOUR)).sort(
        "tenant", *KEYS
    )
