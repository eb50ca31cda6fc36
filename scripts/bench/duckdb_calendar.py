"""The tenants' clocks as tables for the DuckDB job: every hour with its day, and the named periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from metrics_lake.model.periods import ROLLING_DAYS, Calendar, Period

_DAY = timedelta(days=1)
_HOURS = ("tenant", "listened_on", "day_ms", "hour_ms", "hour_ends_ms", "hour_of_day", "before_ends_ms")
_PERIODS = ("tenant", "kind", "name", "first_on", "end_on")


def hours(calendars: Mapping[str, Calendar], first: datetime, last: datetime) -> pl.DataFrame:
    """The hours of all days from the one before `first`; before_ends_ms ends the same hour of the clock the time before."""
    rows: list[tuple[str, date, datetime, datetime, datetime, int, datetime]] = []
    for tenant, calendar in calendars.items():
        before: dict[int, datetime] = {}
        for number in range(-1, (last - first).days + 3):
            on = first.date() + _DAY * number
            for hour in calendar.hours(on):
                earlier = before.get(hour.of_day, hour.start - _DAY)
                rows.append((tenant, on, calendar.day_start(on), hour.start, hour.end, hour.of_day, earlier))
                before[hour.of_day] = hour.end
    instants = pl.col("day_ms", "hour_ms", "hour_ends_ms", "before_ends_ms").dt.epoch("ms")
    return pl.DataFrame(rows, schema=list(_HOURS), orient="row").with_columns(instants)


def periods(calendar: Calendar, days: Sequence[date], through: datetime) -> list[Period]:
    """The day, week, month and year of each of these days, the rolling periods up to `through`, and all of it."""
    named = {(period.kind, period.name): period for on in days for period in calendar.named(on)}
    last_on = calendar.day_of(through - timedelta(microseconds=1))
    rolling = [calendar.rolling(name, last_on) for name in ROLLING_DAYS]
    return [*named.values(), *rolling, calendar.all(days[0], days[-1])]


def table(by_tenant: Mapping[str, Iterable[Period]]) -> pl.DataFrame:
    """All tenants' periods as rows, numbered."""
    rows = [(tenant, p.kind, p.name, p.first_on, p.end_on) for tenant, periods in by_tenant.items() for p in periods]
    return pl.DataFrame(rows, schema=list(_PERIODS), orient="row").with_row_index("period_no")
