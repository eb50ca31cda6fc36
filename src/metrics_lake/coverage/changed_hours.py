"""Which hours does more data show in another light: as received, missing, or not awaited at all?

A file of other days can do so: one from before the first makes a gap of all hours between, and so does one behind the last.
"""

from __future__ import annotations

from datetime import datetime

from metrics_lake.coverage.completeness import MISSING, Received
from metrics_lake.coverage.hours import HOUR

_Hour = tuple[str, datetime]


def changed_hours(before: Received, now: Received) -> set[datetime]:
    """The hours of which some expected proxy's share is another now."""
    earlier, later = _is_missing(before), _is_missing(now)
    return {each[1] for each in earlier.keys() | later.keys() if earlier.get(each) != later.get(each)}


def _is_missing(received: Received) -> dict[_Hour, bool]:
    """Every hour that is awaited of a proxy: from its first to the last that anybody has sent."""
    found = dict[_Hour, bool]()
    if not received.proxies:
        return found
    last = max(max(proxy.hours) for proxy in received.proxies)
    for proxy in received.proxies:
        if proxy.is_expected:
            first = min(proxy.hours)
            every = (first + HOUR * n for n in range((last - first) // HOUR + 1))
            found |= {(proxy.name, hour): proxy.hours.get(hour, MISSING) == MISSING for hour in every}
    return found
