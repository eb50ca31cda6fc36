"""Half-open stretches of time: a tenant's hours, days, weeks, months and years, true through every DST change.

definitions.md section 4: buckets are half-open and in the tenant's zone; weeks are ISO weeks unless they start
on Sunday; a broadcast day may start later than midnight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

KINDS = ("day", "week", "month", "year", "rolling", "all")
ROLLING_DAYS = {"last-7-days": 7, "last-30-days": 30}
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_STEP_SECONDS = 15 * 60  # every zone's offset since 1972 is a multiple of it


@dataclass(frozen=True)
class Period:
    """Days `[first_on, end_on)` of a tenant as the instants `[start, end)`, both UTC."""

    kind: str
    name: str
    first_on: date
    end_on: date
    start: datetime
    end: datetime

    @property
    def days(self) -> list[date]:
        return [self.first_on + _DAY * n for n in range((self.end_on - self.first_on).days)]

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())


@dataclass(frozen=True)
class Hour:
    """One hour on a tenant's clock as instants `[start, end)`, UTC. `of_day` is what the clock shows, 0 to 23."""

    start: datetime
    end: datetime
    of_day: int


@dataclass(frozen=True)
class Stretch:
    """So many days that begin 24 hours after one another; the last ends where the next stretch begins."""

    first_on: date
    start: datetime
    days: int

    @property
    def start_second(self) -> int:
        return int(self.start.timestamp())


@dataclass(frozen=True)
class Calendar:
    """A tenant's clock: which day an instant belongs to, and where its hours and periods begin and end."""

    timezone: str = "UTC"
    week_starts: str = "monday"
    broadcast_day_starts: str = "00:00"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def day_start(self, on: date) -> datetime:
        """The first instant of a day, UTC. A midnight that a DST change skips begins where the clock goes on."""
        wall = datetime.combine(on, time.fromisoformat(self.broadcast_day_starts), tzinfo=self.zone)
        return wall.astimezone(timezone.utc)

    def has_day(self, on: date) -> bool:
        """False for a day that never was: Samoa had no 30 December 2011."""
        return self.day_start(on) < self.day_start(on + _DAY)

    def day_of(self, instant: datetime) -> date:
        """The tenant's day that an instant (with a zone) lies in."""
        on = instant.astimezone(self.zone).date()
        while instant < self.day_start(on):
            on -= _DAY
        while instant >= self.day_start(on + _DAY):
            on += _DAY
        return on

    def days(self, first: datetime, last: datetime) -> list[date]:
        """The days from that of one instant to that of another, both included."""
        first_on, last_on = self.day_of(first), self.day_of(last)
        return [first_on + _DAY * n for n in range((last_on - first_on).days + 1)]

    def stretches(self, first_on: date, last_on: date) -> tuple[Stretch, ...]:
        """The spans of the days from one to another, both included: as many as there are changes of the clock, and one."""
        return _stretches(self, first_on, last_on)

    def hours(self, on: date) -> list[Hour]:
        """The hours of a day, in order: 24, or 23 or 25 (and some half ones) where the clock was moved."""
        return list(_hours(self, on))

    def _of_days(self, kind: str, name: str, first_on: date, end_on: date) -> Period:
        return Period(kind, name, first_on, end_on, self.day_start(first_on), self.day_start(end_on))

    def day(self, on: date) -> Period:
        return self._of_days("day", on.isoformat(), on, on + _DAY)

    def week(self, on: date) -> Period:
        """The week of a day, named by its ISO year and week; one that starts on Sunday bears its Monday's name."""
        first_day = 6 if self.week_starts == "sunday" else 0
        first_on = on - _DAY * ((on.weekday() - first_day) % 7)
        year, week, _ = (first_on + _DAY if first_day == 6 else first_on).isocalendar()
        return self._of_days("week", f"{year}-W{week:02d}", first_on, first_on + _DAY * 7)

    def month(self, on: date) -> Period:
        first_on = on.replace(day=1)
        end_on = (first_on + _DAY * 31).replace(day=1)
        return self._of_days("month", first_on.strftime("%Y-%m"), first_on, end_on)

    def year(self, on: date) -> Period:
        return self._of_days("year", f"{on.year:04d}", date(on.year, 1, 1), date(on.year + 1, 1, 1))

    def rolling(self, name: str, last_on: date) -> Period:
        """The days up to and with `last_on`; `name` is a key of ROLLING_DAYS."""
        return self._of_days("rolling", name, last_on - _DAY * (ROLLING_DAYS[name] - 1), last_on + _DAY)

    def all(self, first_on: date, last_on: date) -> Period:
        return self._of_days("all", "all", first_on, last_on + _DAY)

    def named(self, on: date) -> tuple[Period, ...]:
        """The day, week, month and year that a day belongs to."""
        return (self.day(on), self.week(on), self.month(on), self.year(on))


@lru_cache(maxsize=256)
def _stretches(calendar: Calendar, first_on: date, last_on: date) -> tuple[Stretch, ...]:
    stretches = list[Stretch]()
    for n in range((last_on - first_on).days + 1):
        on = first_on + _DAY * n
        start, last = calendar.day_start(on), stretches[-1] if stretches else None
        if last and start == last.start + _DAY * last.days:
            stretches[-1] = replace(last, days=last.days + 1)
        else:
            stretches.append(Stretch(on, start, 1))
    return tuple(stretches)


@lru_cache(maxsize=4096)
def _hours(calendar: Calendar, on: date) -> tuple[Hour, ...]:
    bounds = [*_hour_starts(calendar, on), (calendar.day_start(on + _DAY), -1)]
    return tuple(Hour(start, end, of_day) for (start, of_day), (end, _) in zip(bounds, bounds[1:], strict=False))


def _hour_starts(calendar: Calendar, on: date) -> Iterator[tuple[datetime, int]]:
    """Each instant of a day at which the clock shows another hour, or shows an hour again."""
    instant, end, zone = calendar.day_start(on), calendar.day_start(on + _DAY), calendar.zone
    before = None
    while instant < end:
        wall = instant.astimezone(zone)
        if (wall.hour, wall.utcoffset()) != before:
            before = (wall.hour, wall.utcoffset())
            yield instant, wall.hour
        if wall.minute == 0 and (instant + _HOUR).astimezone(zone).utcoffset() == wall.utcoffset():
            instant += _HOUR  # nobody moves a clock there and back within an hour
            continue
        steps = int(instant.timestamp()) // _STEP_SECONDS + 1
        instant = datetime.fromtimestamp(steps * _STEP_SECONDS, timezone.utc)
