"""Up to when has everything arrived (definitions.md section 9)?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

_HOUR = timedelta(hours=1)
Span = tuple[str, datetime, datetime]


def complete_through(spans: Iterable[Span]) -> datetime | None:
    """The earliest, over the proxies, of the end of the last hour received without a gap; None before the first file.

    A span is (proxy, first instant, last instant) of a file: it stands for every hour it touches and all between. A
    file that begins before the one before it has ended, as long connections do, closes no gap and makes none.
    """
    by_proxy: dict[str, list[tuple[datetime, datetime]]] = {}
    for proxy, first, last in spans:
        by_proxy.setdefault(proxy, []).append((_hour(first), _hour(last) + _HOUR))
    return min((_reach(hours) for hours in by_proxy.values()), default=None)


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def _reach(hours: list[tuple[datetime, datetime]]) -> datetime:
    ordered = sorted(hours)
    reach = ordered[0][1]
    for start, end in ordered:
        if start > reach:
            break
        reach = max(reach, end)
    return reach
