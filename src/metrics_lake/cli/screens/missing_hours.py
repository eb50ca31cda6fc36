"""Hours of the log that did not come: those that are given up, and those that `complete_through` still waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from rich.console import Console

from metrics_lake.cli.screens.lake_checks import Finding
from metrics_lake.config.settings import Settings
from metrics_lake.coverage.completeness import Coverage
from metrics_lake.coverage.hours import HOUR
from metrics_lake.jobs.read_coverage import coverage, give_up

REMEDY = "put the file of the hour below haproxy/ in landing, then metrics-lake run: figures are restated, however late it comes"
_NEVER = datetime.min.replace(tzinfo=timezone.utc)
_MOST_SPANS = 3  # of a proxy: the newest
_Hours = Mapping[str, Sequence[datetime]]  # by proxy


def write(settings: Settings, console: Console) -> None:
    """Names the hours that are given up, a line for each proxy, and the remedy."""
    lines = given_up(_now_received(settings))
    for line in [*lines, *([f"→ {REMEDY}"] if lines else [])]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def given_up(received: Coverage) -> list[str]:
    """A line for each proxy with hours that are given up."""
    return [
        f"{text} never came, and figures go on without: they say so by covered_seconds"
        for text in _texts(received.given_up)
    ]


def waiting(received: Coverage, patience: timedelta) -> list[str]:
    """A line for each proxy with hours that `complete_through` waits for, and until when it does.

    The newest hour is not among them: it is still being logged, or on its way.
    """
    newest = received.received_through - HOUR if received.received_through else _NEVER
    gaps = {
        name: [hour for hour in hours if received.given_up_through < hour + HOUR and hour < newest]
        for name, hours in received.gaps.items()
    }
    first = min((hour for hours in gaps.values() for hour in hours), default=None)
    if first is None:
        return []
    until = f"{first + HOUR + patience:%Y-%m-%d %H:%M} UTC"
    return [f"{text} missing so far; complete_through waits until {until} at most" for text in _texts(gaps)]


def finding(settings: Settings) -> Finding:
    """For the doctor: a lost hour is nothing that it could mend, so it is named and no failure."""
    received = _now_received(settings)
    if received.complete_through is None:
        return Finding("hours", True, "no log yet")
    lines = [*given_up(received), *waiting(received, give_up(settings))]
    state = "; ".join([f"complete through {received.complete_through:%Y-%m-%d %H:%M} UTC", *lines])
    return Finding("hours", True, state, REMEDY if lines else "")


def hour_spans(hours: Sequence[datetime]) -> list[str]:
    """Hours that follow each other as one span: `2001-01-15 13:00 to 16:00`."""
    spans: list[tuple[datetime, datetime]] = []
    for hour in hours:
        if spans and spans[-1][1] == hour:
            spans[-1] = (spans[-1][0], hour + HOUR)
        else:
            spans.append((hour, hour + HOUR))
    return [f"{start:%Y-%m-%d %H:%M} to {end:{'%H:%M' if start.date() == end.date() else '%Y-%m-%d %H:%M'}}"
            for start, end in spans]  # fmt: skip


def _texts(by_proxy: _Hours) -> list[str]:
    return [_text(name, hours) for name, hours in sorted(by_proxy.items()) if hours]


def _text(name: str, hours: Sequence[datetime]) -> str:
    spans = hour_spans(hours)
    more = f" and {len(spans) - _MOST_SPANS} more spans (audit completeness)" if len(spans) > _MOST_SPANS else ""
    count = f"{len(hours):,} hours" if len(hours) > 1 else "1 hour"
    return f"{count} of {name or 'the proxy without a name'} ({', '.join(spans[-_MOST_SPANS:])} UTC{more})"


def _now_received(settings: Settings) -> Coverage:
    return coverage(settings, datetime.now(timezone.utc))
