"""Up to when has everything arrived, and how much is missing (definitions.md section 9)?

A missing hour is a gap, not a zero; an hour with an empty file is received. The name of a file that can't be read, or
that is a copy of another, does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from metrics_lake.coverage.hours import HOUR, Arrival, filled_hours, hour_of, named_hour, naming
from metrics_lake.sources import landed_file
from metrics_lake.sources.machine_names import undated_folder

COLUMNS = ("proxy", "path", "status", "first_logged_at", "last_logged_at")  # of bronze.files, as arrivals() takes them
RECEIVED, EMPTY, MISSING, UNFINISHED = "received", "empty", "missing", "unfinished"
_BEST = (RECEIVED, EMPTY, UNFINISHED)


@dataclass(frozen=True)
class Proxy:
    """One proxy and the kind of each hour from its first known one to its last."""

    name: str
    is_expected: bool
    hours: dict[datetime, str]

    def hours_of_kind(self, kind: str) -> list[datetime]:
        return [hour for hour, its_kind in self.hours.items() if its_kind == kind]

    @property
    def through(self) -> datetime:
        """The end of the last hour received without a gap."""
        for hour, kind in self.hours.items():
            if kind in (MISSING, UNFINISHED):
                return hour
        return max(self.hours) + HOUR


@dataclass(frozen=True)
class Coverage:
    """The hours that have arrived, by proxy. `silent` are expected proxies that have sent nothing yet."""

    proxies: tuple[Proxy, ...]
    silent: tuple[str, ...] = ()

    @property
    def complete_through(self) -> datetime | None:
        """The earliest, over the proxies that are expected, of the last hour received without a gap.

        None before the first file. A proxy that has sent nothing yet has gaps since the first hour of any proxy.
        """
        ends = [proxy.through for proxy in self.proxies if proxy.is_expected]
        if self.silent and self.proxies:
            ends.append(min(min(proxy.hours) for proxy in self.proxies))
        return min(ends, default=None)

    def missing_share(self, start: datetime, end: datetime, name: str | None = None) -> float:
        """The share of missing hours in [start, end), from 0 to 1: of the expected proxies, or of the one with this name.

        A proxy's hours count from its first one to the last hour that any proxy has sent.
        """
        known = [hour for proxy in self.proxies for hour in proxy.hours]
        until = min(end, max(known) + HOUR) if known else end
        expected = lost = 0
        for proxy in (p for p in self.proxies if p.is_expected and name in (None, p.name)):
            hour = max(hour_of(start), min(proxy.hours))
            while hour < until:
                expected += 1
                lost += proxy.hours.get(hour, MISSING) == MISSING
                hour += HOUR
        return lost / expected if expected else 0.0


def arrivals(rows: Iterable[Sequence[object]]) -> list[Arrival]:
    """Rows of bronze.files, with the columns COLUMNS, as arrivals.

    A file without lines names no proxy; it belongs to the proxy that most files of its folder name, or to all those that most of
    them name together.
    """
    files = [Arrival(*row) for row in rows]  # type: ignore[arg-type]
    proxies: dict[str, set[str]] = {}
    for file in files:
        if file.first_at is not None:
            proxies.setdefault(file.path, set()).add(file.proxy)
    together: dict[str, Counter[tuple[str, ...]]] = {}
    for path, names in proxies.items():
        together.setdefault(undated_folder(path), Counter())[tuple(sorted(names))] += 1
    usual = {folder: min(counts, key=lambda names: (-counts[names], names)) for folder, counts in together.items()}
    return [
        replace(file, proxy=proxy)
        for file in files
        for proxy in ((file.proxy,) if file.path in proxies else usual.get(undated_folder(file.path), (file.proxy,)))
    ]


def coverage_of(files: Iterable[Arrival], expected: Sequence[str] = (), zone: str = "UTC") -> Coverage:
    """The coverage that arrivals add up to. `expected` are the proxies that must send, all that ever sent if none is
    named; `zone` is the time zone of the names of files.
    """
    by_proxy: dict[str, list[Arrival]] = {}
    for file in files:
        by_proxy.setdefault(file.proxy, []).append(file)
    proxies = [
        Proxy(name, not expected or name in expected, hours)
        for name, own in sorted(by_proxy.items())
        if (hours := _hours(own, zone))
    ]
    known = {proxy.name for proxy in proxies}
    return Coverage(tuple(proxies), tuple(name for name in expected if name not in known))


def _hours(files: list[Arrival], zone: str) -> dict[datetime, str]:
    """Every hour from a proxy's first to its last, with its kind."""
    offset, known = naming(files, zone), dict[datetime, str]()
    for file in files:
        named = named_hour(file, zone, offset)
        filled = {hour: RECEIVED if is_whole else UNFINISHED for hour, is_whole in filled_hours(file).items()}
        if named:
            filled = {hour: kind for hour, kind in filled.items() if kind == RECEIVED}
            filled[named] = EMPTY if file.status == landed_file.EMPTY else RECEIVED
        for hour, kind in filled.items():
            known[hour] = min(kind, known.get(hour, kind), key=_BEST.index)
    if not known:
        return {}
    first, last = min(known), max(known)
    every = [first + HOUR * n for n in range((last - first) // HOUR + 1)]
    return {hour: _kind(known.get(hour, MISSING), hour + HOUR in known) for hour in every}


def _kind(kind: str, is_followed: bool) -> str:
    """An unfinished hour counts as received once lines of the next hour are there."""
    return RECEIVED if kind == UNFINISHED and is_followed else kind
