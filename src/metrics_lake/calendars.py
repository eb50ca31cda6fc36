"""The calendars of all tenants: what days and periods of theirs a stretch of time touches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from metrics_lake.periods import ROLLING_DAYS, Calendar, Period

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Calendars:
    """Each tenant's calendar."""

    by_tenant: Mapping[str, Calendar]

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
