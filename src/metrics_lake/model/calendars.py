"""The calendars of all tenants: what days and periods of theirs a stretch of time touches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from metrics_lake.model.periods import ROLLING_DAYS, Calendar, Period

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
        by_name = {(p.kind, p.name): p for on in days if calendar.has_day(on) for p in calendar.named(on)}
        rolling = [calendar.rolling(name, last_on) for name in ROLLING_DAYS]
        return [*by_name.values(), *rolling, calendar.all(*spans)]


@dataclass(frozen=True)
class Named:
    """Periods of tenants that are worked out together; `where` selects the rows that they replace.

    `is_all` says that they are all that there are, so that every other row is deleted too: periods of another
    calendar, and those of a tenant that there is no more.
    """

    by_tenant: Mapping[str, Sequence[Period]]
    is_all: bool = False

    @property
    def tenant_periods(self) -> list[tuple[str, Period]]:
        return [(tenant, period) for tenant, named in self.by_tenant.items() for period in named]

    @property
    def within(self) -> tuple[datetime, datetime]:
        """The instants between which all of them lie; of no period there are none."""
        return min(period.start for _, period in self.tenant_periods), max(
            period.end for _, period in self.tenant_periods
        )

    @property
    def where(self) -> str:
        """A condition of SQL on tenant, kind and name that holds for these periods of these tenants, and no other row."""
        if self.is_all:
            return "TRUE"
        names: dict[tuple[str, str], set[str]] = {}
        for tenant, period in self.tenant_periods:
            names.setdefault((tenant, period.kind), set()).add(period.name)
        alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}  # most tenants have the same days and months
        for (tenant, kind), named in names.items():
            alike.setdefault((kind, tuple(sorted(named))), []).append(tenant)
        conditions = (
            f"(kind = {_quoted([kind])} AND tenant IN ({_quoted(tenants)}) AND name IN ({_quoted(named)}))"
            for (kind, named), tenants in alike.items()
        )
        return " OR ".join(conditions) or "FALSE"


def _quoted(words: Iterable[str]) -> str:
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)
