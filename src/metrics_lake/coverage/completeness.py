"""Up to when has everything arrived, and how much is missing (definitions.md section 9)?

A missing hour is a gap, not a zero; an hour whose file came empty is received. What a file that can't be read, or a
copy of another, says by its name does not count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from metrics_lake.coverage.hours import HOUR, Arrival, filled_hours, hour_of, named_hour, naming
from metrics_lake.sources import landed_file

COLUMNS = ("proxy", "path", "status", "first_logged_at", "last_logged_at")  # of bronze.files, as arrivals() takes them
RECEIVED, EMPTY, MISSING, UNFINISHED = "received", "empty", "missing", "unfinished"
_BEST = (RECEIVED, EMPTY, UNFINISHED)
_DATE_PART = re.compile(r"\d+|\d{4}-\d\d(-\d\d)?")


@dataclass(frozen=True)
class Proxy:
    """One proxy's hours from its first to its last that anything is known of, each with what became of it."""

    name: str
    is_expected: bool
    hours: dict[datetime, str]

    def of(self, kind: str) -> list[datetime]:
        return [hour for hour, found in self.hours.items() if found == kind]

    @property
    def through(self) -> datetime:
        """The end of the last hour received without a gap."""
        for hour, found in self.hours.items():
            if found in (MISSING, UNFINISHED):
                return hour
        return max(self.hours) + HOUR


@dataclass(frozen=True)
class Received:
    """What has arrived, by proxy. `silent` are proxies that are expected and have sent nothing yet."""

    proxies: tuple[Proxy, ...]
    silent: tuple[str, ...] = ()

    @property
    def complete_through(self) -> datetime | None:
        """The earliest, over the proxies that are expected, of the last hour received without a gap.

        None before the first file. A proxy that has sent nothing yet has gaps since anybody's first hour.
        """
        awaited = [proxy.through for proxy in self.proxies if proxy.is_expected]
        if self.silent and self.proxies:
            awaited.append(min(min(proxy.hours) for proxy in self.proxies))
        return min(awaited, default=None)

    def missing_share(self, start: datetime, end: datetime, of: str | None = None) -> float:
        """Of all hours of the expected proxies, or of one, that lie in [start, end): what part is missing, from 0 to 1.

        A proxy's hours count from its first one on, and up to the last that anybody has sent.
        """
        known = [hour for proxy in self.proxies for hour in proxy.hours]
        until = min(end, max(known) + HOUR) if known else end
        awaited = lost = 0
        for proxy in (each for each in self.proxies if each.is_expected and of in (None, each.name)):
            hour = max(hour_of(start), min(proxy.hours))
            while hour < until:
                awaited += 1
                lost += proxy.hours.get(hour, MISSING) == MISSING
                hour += HOUR
        return lost / awaited if awaited else 0.0


def arrivals(rows: Iterable[Sequence[object]]) -> list[Arrival]:
    """Arrivals of rows of bronze.files with the columns COLUMNS.

    A file without lines is told by its folder alone; it belongs to the proxy that most files of this folder name.
    """
    found = [Arrival(*row) for row in rows]  # type: ignore[arg-type]
    hosts: dict[str, Counter[str]] = {}
    for each in found:
        if each.first_at is not None:
            hosts.setdefault(_folder(each.path), Counter())[each.proxy] += 1
    names = {folder: min(counts, key=lambda name: (-counts[name], name)) for folder, counts in hosts.items()}
    return [each if each.first_at else replace(each, proxy=names.get(_folder(each.path), each.proxy)) for each in found]


def _folder(path: str) -> str:
    """A file's folder without the parts that are dates: what a proxy's days have in common."""
    return "/".join(part for part in path.split("/")[:-1] if not _DATE_PART.fullmatch(part))


def received(found: Iterable[Arrival], expected: Sequence[str] = (), zone: str = "UTC") -> Received:
    """Sums arrivals up. `expected` are the proxies that must send, all that ever sent if none is named; `zone` is
    that of the names of files.
    """
    by_proxy: dict[str, list[Arrival]] = {}
    for each in found:
        by_proxy.setdefault(each.proxy, []).append(each)
    proxies = [
        Proxy(name, not expected or name in expected, hours)
        for name, held in sorted(by_proxy.items())
        if (hours := _hours(held, zone))
    ]
    there = {proxy.name for proxy in proxies}
    return Received(tuple(proxies), tuple(name for name in expected if name not in there))


def _hours(held: list[Arrival], zone: str) -> dict[datetime, str]:
    """Every hour from a proxy's first to its last, with what became of it."""
    off, known = naming(held, zone), dict[datetime, str]()
    for each in held:
        named = named_hour(each, zone, off)
        filled = {hour: RECEIVED if is_whole else UNFINISHED for hour, is_whole in filled_hours(each).items()}
        if named:
            filled = {hour: kind for hour, kind in filled.items() if kind == RECEIVED}
            filled[named] = EMPTY if each.status == landed_file.EMPTY else RECEIVED
        for hour, kind in filled.items():
            known[hour] = min(kind, known.get(hour, kind), key=_BEST.index)
    if not known:
        return {}
    first, last = min(known), max(known)
    every = [first + HOUR * n for n in range((last - first) // HOUR + 1)]
    return {hour: _kind(known.get(hour, MISSING), hour + HOUR in known) for hour in every}


def _kind(found: str, is_followed: bool) -> str:
    """An hour that lines have begun is whole once lines of the next one are there."""
    return RECEIVED if found == UNFINISHED and is_followed else found
