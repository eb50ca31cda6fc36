"""What a metric is worked out from: one tenant's day, or the periods of a share of a tenant's listeners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import polars as pl

from metrics_lake.gold import listeners_by_minute, session_buckets
from metrics_lake.model.periods import Calendar, Period

_DAY = timedelta(days=1)
_PERIOD = {"kind": pl.String, "name": pl.String, "first_on": pl.Date, "end_on": pl.Date}


@dataclass(frozen=True)
class Day:
    """One tenant's day. `sessions` are rows of silver.sessions that touch it, with `at_least_minutes`; others do no harm."""

    sessions: pl.DataFrame
    calendar: Calendar
    on: date

    @property
    def starts(self) -> int:
        """Its first instant in milliseconds."""
        return session_buckets.milliseconds(self.calendar.day_start(self.on))

    @cached_property
    def buckets(self) -> pl.DataFrame:
        """All session buckets of the day, those of excluded sessions too."""
        ends = session_buckets.milliseconds(self.calendar.day_start(self.on + _DAY))
        return session_buckets.in_bucket(session_buckets.of(self.sessions), self.starts, ends)

    @cached_property
    def net(self) -> pl.DataFrame:
        """The session buckets of sessions that are counted."""
        return self.buckets.filter("is_net")

    @cached_property
    def minutes(self) -> pl.DataFrame:
        """The rows of gold.listeners_by_minute, which other metrics take their peaks from."""
        return listeners_by_minute.sweep(self.net)

    @cached_property
    def hours(self) -> pl.DataFrame:
        """The hours of the day, as session_buckets.hours gives them."""
        return session_buckets.hours(self.calendar, [self.on])


@dataclass(frozen=True)
class Share:
    """A part of a tenant's listeners, each with all their counted sessions that touch the periods."""

    sessions: pl.DataFrame
    calendar: Calendar
    periods: Sequence[Period]

    @cached_property
    def buckets(self) -> pl.DataFrame:
        """The session buckets that are active in each period, with its kind and name."""
        sessions = session_buckets.of(self.sessions)
        return pl.concat(_in_period(sessions, period) for period in self.periods)

    @property
    def bounds(self) -> pl.DataFrame:
        """The periods: kind, name, first_on, end_on."""
        rows = [(period.kind, period.name, period.first_on, period.end_on) for period in self.periods]
        return pl.DataFrame(rows, _PERIOD, orient="row")


def _in_period(sessions: pl.DataFrame, period: Period) -> pl.DataFrame:
    starts, ends = (session_buckets.milliseconds(instant) for instant in (period.start, period.end))
    buckets = session_buckets.in_bucket(sessions, starts, ends).filter("is_active")
    return buckets.with_columns(kind=pl.lit(period.kind), name=pl.lit(period.name))
