"""Up to when has everything arrived, and how much is missing (definitions.md section 9)?

A missing hour is a gap, not a zero; an hour with an empty file is received. The name of a file that can't be read, or
that is a copy of another, does not count. A gap that is given up no longer holds what comes after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property

from metrics_lake.coverage.hours import HOUR, Arrival, filled_hours, hour_of, named_hour, naming
from metrics_lake.sources import landed_file
from metrics_lake.sources.machine_names import undated_folder

COLUMNS = ("proxy", "path", "status", "first_logged_at", "last_logged_at")  # of bronze.files, as arrivals() takes them
RECEIVED, EMPTY, MISSING, UNFINISHED = "received", "empty", "missing", "unfinished"
_BEST = (RECEIVED, EMPTY, UNFINISHED)
_NEVER = datetime.min.replace(tzinfo=timezone.utc)


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
        return min(self.gaps(max(self.hours) + HOUR), default=max(self.hours) + HOUR)

    def gaps(self, end: datetime) -> list[datetime]:
        """The hours before `end`, from the first known one on, that are missing or not received to their end."""
        first = min(self.hours)
        hours = (first + HOUR * n for n in range((end - first) // HOUR))
        return [hour for hour in hours if self.hours.get(hour, MISSING) in (MISSING, UNFINISHED)]


@dataclass(frozen=True)
class Coverage:
    """The hours that have arrived, by proxy. `silent` are expected proxies that have sent nothing yet.

    Gaps that ended up to `given_up_through` are given up: they don't hold `complete_through`.
    """

    proxies: tuple[Proxy, ...]
    silent: tuple[str, ...] = ()
    given_up_through: datetime = _NEVER

    @property
    def complete_through(self) -> datetime | None:
        """The earliest, over the proxies that are expected, of the last hour received without a gap that holds.

        None before the first file. A proxy that has sent nothing yet has gaps since the first hour of any proxy.
        """
        if self.received_through is None:
            return None
        holding = [hour for hours in self.gaps.values() for hour in hours if not self._is_given_up(hour)]
        return min([*holding, self.received_through])

    @cached_property
    def received_through(self) -> datetime | None:
        """The end of the last hour received from any expected proxy, gaps or not; None before the first file.

        Where only others have sent, the start of the first hour.
        """
        first = self._first if self.proxies and self.silent else None
        return max((max(proxy.hours) + HOUR for proxy in self._expected), default=first)

    @cached_property
    def received_hours(self) -> list[datetime]:
        """The hours received, at least in part, from any expected proxy, in order."""
        return sorted({hour for proxy in self._expected for hour, kind in proxy.hours.items() if kind != MISSING})

    @cached_property
    def gaps(self) -> dict[str, list[datetime]]:
        """By expected proxy the hours that are missing, or not received to their end, up to `received_through`."""
        if self.received_through is None:
            return {}
        every = [self._first + HOUR * n for n in range((self.received_through - self._first) // HOUR)]
        gaps = {proxy.name: proxy.gaps(self.received_through) for proxy in self._expected}
        return {name: hours for name, hours in {**gaps, **dict.fromkeys(self.silent, every)}.items() if hours}

    @property
    def given_up(self) -> dict[str, list[datetime]]:
        """By expected proxy the gaps that are given up."""
        by_proxy = {name: [hour for hour in hours if self._is_given_up(hour)] for name, hours in self.gaps.items()}
        return {name: hours for name, hours in by_proxy.items() if hours}

    def _is_given_up(self, hour: datetime) -> bool:
        return hour + HOUR <= self.given_up_through

    @property
    def _expected(self) -> list[Proxy]:
        return [proxy for proxy in self.proxies if proxy.is_expected]

    @property
    def _first(self) -> datetime:
        return min(min(proxy.hours) for proxy in self.proxies)

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
