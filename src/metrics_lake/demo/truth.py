"""The figures that the product must give for invented traffic, by definitions.md, computed in the slow and obvious way.

Catch: this shares nothing with the product, nor does it trust the plan: a session's ends come from the requests that
were written, so listeners still on Icecast when the last file is cut are not in it, as they are not in the logs.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

# Lower edges of the 23 length buckets, in minutes (definitions.md section 6).
EDGES = (0, 1, 2, 3, 4, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 360, 480, 600, 720, 900, 1080)
ALL_STREAMS = "*"
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Session:
    """One session, `[started_ms, ended_ms)` in epoch milliseconds; `exclusion` says why it doesn't count, if so."""

    tenant: str
    stream: str
    listener_no: int
    started_ms: int
    ended_ms: int
    exclusion: str | None = None


@dataclass(frozen=True)
class Truth:
    """`tenants`: tenant → `days` (local date → stream → figures) and `all` (stream → figures); `*` is all streams."""

    tenants: Mapping[str, Any]
    sessions: Sequence[Session]
    line_count: int
    file_count: int

    def to_json(self) -> str:
        return json.dumps(self.tenants, indent=1, sort_keys=True) + "\n"


def tenants(sessions: Iterable[Session], timezones: Mapping[str, str]) -> dict[str, Any]:
    """Figures of every tenant, day by day of its own clock and over everything."""
    of_tenant: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        of_tenant[session.tenant].append(session)
    return {tenant: _tenant(own, ZoneInfo(timezones[tenant])) for tenant, own in sorted(of_tenant.items())}


def _tenant(sessions: list[Session], zone: ZoneInfo) -> dict[str, Any]:
    first = _local(min(session.started_ms for session in sessions), zone)
    last = _local(max(session.ended_ms for session in sessions), zone)
    midnights = [_midnight(first + timedelta(days=n), zone) for n in range((last - first).days + 2)]
    by_day = {_local(start, zone).isoformat(): _streams(sessions, start, end) for start, end in pairwise(midnights)}
    everything = _streams(sessions, midnights[0], midnights[-1])
    return {"days": {day: streams for day, streams in by_day.items() if streams}, "all": everything}


def _local(instant_ms: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(instant_ms / 1000, zone).date()


def _midnight(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)


def _streams(sessions: list[Session], start: int, end: int) -> dict[str, Any]:
    """Figures of `[start, end)` for each stream that anybody touched in it, and for the tenant as a whole."""
    of_stream: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        if session.started_ms < end and session.ended_ms >= start:
            of_stream[session.stream].append(session)
            of_stream[ALL_STREAMS].append(session)
    return {stream: figures(own, start, end) for stream, own in sorted(of_stream.items())}


def figures(sessions: list[Session], start: int, end: int) -> dict[str, Any]:
    """Sections 3 to 6 for the bucket `[start, end)`; published numbers are net."""
    net = [session for session in sessions if session.exclusion is None]
    active = [session for session in net if session.started_ms < end and session.ended_ms > start]
    started = [session for session in net if start <= session.started_ms < end]
    heard_ms = sum(min(session.ended_ms, end) - max(session.started_ms, start) for session in active)
    peak, peak_ms = _peak(_persons(active), start)
    return {
        "total_sessions": len(started),
        "sessions_completed": sum(start <= session.ended_ms < end for session in net),
        "sessions_active": len(active),
        "unique_listeners": len({session.listener_no for session in active}),
        "listening_seconds": heard_ms / 1000,
        "peak_listeners": peak,
        "peak_at": datetime.fromtimestamp(peak_ms / 1000, timezone.utc).isoformat() if peak else None,
        "session_lengths": _lengths(started),
        "excluded": _excluded(sessions, start, end),
    }


def _persons(sessions: list[Session]) -> list[tuple[int, int]]:
    """When each person listened to anything at all: overlapping sessions of one listener become one stretch."""
    stretches: list[tuple[int, int]] = []
    last_listener = None
    for session in sorted(sessions, key=lambda s: (s.listener_no, s.started_ms)):
        if session.listener_no == last_listener and session.started_ms <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], session.ended_ms))
        else:
            stretches.append((session.started_ms, session.ended_ms))
        last_listener = session.listener_no
    return stretches


def _peak(stretches: list[tuple[int, int]], start: int) -> tuple[int, int]:
    """Most at one instant from `start` on, and the minute of the first such instant: it only grows where one begins."""
    begins, ends = sorted(begin for begin, _ in stretches), sorted(end for _, end in stretches)
    best, best_at = 0, start
    for instant in [start, *(begin for begin in begins if begin > start)]:
        present = bisect_right(begins, instant) - bisect_right(ends, instant)
        if present > best:
            best, best_at = present, instant
    return best, best_at - best_at % MINUTE_MS


def _lengths(sessions: list[Session]) -> list[int]:
    counts = [0] * len(EDGES)
    for session in sessions:
        minutes = (session.ended_ms - session.started_ms) / MINUTE_MS
        counts[max(number for number, edge in enumerate(EDGES) if edge <= minutes)] += 1
    return counts


def _excluded(sessions: list[Session], start: int, end: int) -> dict[str, int]:
    return dict(Counter(s.exclusion for s in sessions if s.exclusion is not None and start <= s.started_ms < end))
