"""Which hours a landing file stands for: the one that its name tells, and those that its lines fill.

Rotation names a file by its own instant, so the hour is the one before (`haproxy-16-00` holds 15:00 to 16:00), but
some names tell the hour's start, or another zone's hour. How far a proxy's names are off is learnt from its files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics_lake.sources.file_names import named_at
from metrics_lake.sources.landed_file import EMPTY, READ

HOUR = timedelta(hours=1)
_EDGE = timedelta(minutes=1)  # a rotation some ms late takes lines of the next hour with it; seen: up to 2.1 s
_NEARLY = timedelta(minutes=5)  # a file without a name's hour that comes so near to an hour's end has all of it


@dataclass(frozen=True)
class Arrival:
    """What the manifest says of one version of a file; the instants are those of its first and last request."""

    proxy: str
    path: str
    status: str
    first_at: datetime | None
    last_at: datetime | None


def hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def naming(arrivals: Iterable[Arrival], zone: str) -> timedelta | None:
    """How far from the hours they stand for a proxy's file names are, as most tell; None if they name no hours."""
    off: Counter[timedelta] = Counter()
    is_silent = True
    for each in arrivals:
        named = named_at(each.path, zone)
        if named is None or each.status != READ or each.first_at is None or each.last_at is None:
            continue
        is_silent = False
        if each.last_at - each.first_at <= HOUR + 2 * _EDGE:
            off[hour_of(each.first_at + (each.last_at - each.first_at) / 2) - named] += 1
    if is_silent:
        return -HOUR
    return min(off, key=lambda found: (-off[found], abs(found + HOUR), found), default=None)


def named_hour(arrival: Arrival, zone: str, off: timedelta | None) -> datetime | None:
    """The hour that a file stands for by its name, unless it came to nothing or its lines say otherwise."""
    named = named_at(arrival.path, zone)
    if named is None or off is None or arrival.status not in (READ, EMPTY):
        return None
    hour = named + off
    if arrival.first_at is None or arrival.last_at is None:
        return hour
    return hour if arrival.first_at < hour + HOUR + _EDGE and arrival.last_at >= hour - _EDGE else None


def filled_hours(arrival: Arrival) -> dict[datetime, bool]:
    """The hours that a file's lines touch, each with whether they reach its end; a mere edge of one is left out."""
    first, last = arrival.first_at, arrival.last_at
    if first is None or last is None:
        return {}
    if hour_of(first) < hour_of(last):
        first = first if hour_of(first + _EDGE) == hour_of(first) else hour_of(first + _EDGE)
        last = last if last - hour_of(last) >= _EDGE else max(first, hour_of(last) - timedelta(microseconds=1))
    count = (hour_of(last) - hour_of(first)) // HOUR + 1
    return {hour: last >= hour + HOUR - _NEARLY for hour in (hour_of(first) + HOUR * n for n in range(count))}
