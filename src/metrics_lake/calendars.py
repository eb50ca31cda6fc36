"""The tenants' calendars as plain rows, for Spark to join with: days with their hours, and named periods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from metrics_lake.periods import ROLLING_DAYS, Calendar, Period

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Calendars:
    """Each tenant's calendar."""

    by_tenant: Mapping[str, Calendar]

    def day_rows(self, days: Iterable[date]) -> list[tuple[Any, ...]]:
        """Rows of stays.DAYS: tenant, day, its bounds."""
        return [(tenant, on, c.day_start(on), c.day_start(on + _DAY)) for tenant, c, on in self._each(days)]

    def hour_rows(self, days: Iterable[date]) -> list[tuple[Any, ...]]:
        """Rows of stays.HOURS: tenant, day, the hour's bounds, what the clock shows, and when it last showed that."""
        return [(tenant, on, *hour) for tenant, calendar, on in self._each(days) for hour in _hours(calendar, on)]

    def _each(self, days: Iterable[date]) -> Iterator[tuple[str, Calendar, date]]:
        for tenant, calendar in self.by_tenant.items():
            yield from ((tenant, calendar, on) for on in sorted(set(days)))

    def bounds(self, days: Iterable[date]) -> tuple[datetime, datetime]:
        """The instants between which all these days lie, whoever's they are."""
        first, last = min(days), max(days)
        starts = (calendar.day_start(first) for calendar in self.by_tenant.values())
        ends = (calendar.day_start(last + _DAY) for calendar in self.by_tenant.values())
        return min(starts), max(ends)

    def periods(self, tenant: str, days: Iterable[date], spans: tuple[date, date], last_on: date) -> list[Period]:
        """The periods that hold any of the days, the rolling ones that end on `last_on`, and all of it (`spans`)."""
        calendar = self.by_tenant[tenant]
        found = {(p.kind, p.name): p for on in days for p in calendar.named(on)}
        rolling = [calendar.rolling(name, last_on) for name in ROLLING_DAYS]
        return [*found.values(), *rolling, calendar.all(*spans)]


def _hours(calendar: Calendar, on: date) -> Iterator[tuple[datetime, datetime, int, datetime]]:
    """An hour's start, end, number on the clock, and the end of the hour before it with that number."""
    before = {hour.of_day: hour.end for hour in calendar.hours(on - _DAY)}
    for hour in calendar.hours(on):
        yield hour.start, hour.end, hour.of_day, before.get(hour.of_day, hour.start - _DAY)
        before[hour.of_day] = hour.end
