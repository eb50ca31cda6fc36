"""Instants at which clocks and calendars turn: clocks put forward and back, days that begin, weeks, months and years too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

ZONES = (
    "Europe/London", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "Australia/Lord_Howe", "Australia/Adelaide",
    "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Auckland", "Africa/Johannesburg", "UTC",
)  # fmt: skip
SKIPPED = ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=timezone.utc))  # a day that never was
_DAYS = (  # midnights of each zone: a year's end, a Sunday, a Monday, a week 53, and the end of a February
    datetime(2001, 1, 1), datetime(2001, 1, 7), datetime(2001, 1, 8), datetime(2005, 1, 1), datetime(2005, 1, 2),
    datetime(2005, 1, 3), datetime(2010, 1, 3), datetime(2004, 2, 29), datetime(2004, 3, 1), datetime(2001, 7, 1),
)  # fmt: skip
_HOUR = timedelta(hours=1)


@cache
def of(zone: str) -> tuple[datetime, ...]:
    """The turns of a zone, UTC."""
    days = (day.replace(tzinfo=ZoneInfo(zone)).astimezone(timezone.utc) for day in _DAYS)
    return (*days, *(at for at in _moves(zone) for _ in range(4)))  # the clock's own moves come up oftener


def _moves(zone: str) -> Iterator[datetime]:
    """When the clock is put forward or back in 2001, to the half hour."""
    clock = ZoneInfo(zone)
    at = datetime(2001, 1, 1, tzinfo=timezone.utc)
    while at.year == 2001:
        later = at + _HOUR / 2
        if at.astimezone(clock).utcoffset() != later.astimezone(clock).utcoffset():
            yield later
        at = later
