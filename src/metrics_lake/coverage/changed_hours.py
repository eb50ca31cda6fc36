"""Which hours are received, missing or not expected at all, other than before?

A file of other days can change them: one from before the first hour turns all hours between into gaps, and so does one
from long after the last.
"""

from __future__ import annotations

from datetime import datetime

from metrics_lake.coverage.completeness import MISSING, Coverage
from metrics_lake.coverage.hours import HOUR

_HourOfProxy = tuple[str, datetime]


def changed_hours(before: Coverage, now: Coverage) -> set[datetime]:
    """The hours that are another share of what an expected proxy has to send."""
    old, new = _is_missing(before), _is_missing(now)
    return {hour for proxy, hour in old.keys() | new.keys() if old.get((proxy, hour)) != new.get((proxy, hour))}


def _is_missing(coverage: Coverage) -> dict[_HourOfProxy, bool]:
    """Every hour of an expected proxy, from its first one to the last hour that any proxy has sent."""
    is_missing = dict[_HourOfProxy, bool]()
    if not coverage.proxies:
        return is_missing
    last = max(max(proxy.hours) for proxy in coverage.proxies)
    for proxy in coverage.proxies:
        if proxy.is_expected:
            first = min(proxy.hours)
            hours = (first + HOUR * n for n in range((last - first) // HOUR + 1))
            is_missing |= {(proxy.name, hour): proxy.hours.get(hour, MISSING) == MISSING for hour in hours}
    return is_missing
