"""Which hours a landing file covers: the hour in its name, and the hours that its lines fill.

Rotation names a file by the instant of the rotation, so the file covers the hour before (`haproxy-16-00`: 15:00 to
16:00). Some names give the hour's start, or an hour of another time zone. `naming` learns a proxy's offset from its files.
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
_NEARLY = timedelta(minutes=5)  # lines this close to the end of an hour fill it, where the file's name has no hour


@dataclass(frozen=True)
class Arrival:
    """One version of a file in the manifest, with the instants of its first and last request."""

    proxy: str
    path: str
    status: str
    first_at: datetime | None
    last_at: datetime | None


def hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def naming(files: Iterable[Arrival], zone: str) -> timedelta | None:
    """The most frequent offset from the hour in a proxy's file names to the hour of their lines; None without one."""
    offsets: Counter[timedelta] = Counter()
    is_silent = True
    for file in files:
        named = named_at(file.path, zone)
        if named is None or file.status != READ or file.first_at is None or file.last_at is None:
            continue
        is_silent = False
        if file.last_at - file.first_at <= HOUR + 2 * _EDGE:
            offsets[hour_of(file.first_at + (file.last_at - file.first_at) / 2) - named] += 1
    if is_silent:
        return -HOUR
    return min(offsets, key=lambda offset: (-offsets[offset], abs(offset + HOUR), offset), default=None)


def named_hour(arrival: Arrival, zone: str, offset: timedelta | None) -> datetime | None:
    """The hour that a file covers by its name; None if it was not read, or if its lines contradict its name."""
    named = named_at(arrival.path, zone)
    if named is None or offset is None or arrival.status not in (READ, EMPTY):
        return None
    hour = named + offset
    if arrival.first_at is None or arrival.last_at is None:
        return hour
    return hour if arrival.first_at < hour + HOUR + _EDGE and arrival.last_at >= hour - _EDGE else None


def filled_hours(arrival: Arrival) -> dict[datetime, bool]:
    """The hours with lines of a file, each with whether the lines reach the end of the hour. An hour with less than
    _EDGE of lines at its edge is left out.
    """
    first, last = arrival.first_at, arrival.last_at
    if first is None or last is None:
        return {}
    if hour_of(first) < hour_of(last):
        first = first if hour_of(first + _EDGE) == hour_of(first) else hour_of(first + _EDGE)
        last = last if last - hour_of(last) >= _EDGE else max(first, hour_of(last) - timedelta(microseconds=1))
    count = (hour_of(last) - hour_of(first)) // HOUR + 1
    return {hour: last >= hour + HOUR - _NEARLY for hour in (hour_of(first) + HOUR * n for n in range(count))}
