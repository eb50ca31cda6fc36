"""Whether rolling periods have to be computed again. They end with the day of the last hour received from any expected proxy,
and a night in which nobody listened brings hours without changing a session. No clock moves them, and no gap holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from metrics_lake.bronze import haproxy
from metrics_lake.config.settings import digest
from metrics_lake.io.lake.commit_log import Commit
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.read_coverage import coverage

_BATCH, _PROXIES, _THROUGH = "batch", "proxies", "received_through"
_TICK = timedelta(microseconds=1)


def note(context: JobContext, through: datetime | None) -> dict[str, Any]:
    """What a commit of periods says of their ends; the batch, so that a run with nothing new needs to ask no further."""
    return {**_read(context), _THROUGH: through.isoformat() if through else None}


def are_behind(context: JobContext, lasts: Sequence[Commit]) -> bool:
    """Whether for any tenant data ends with another day now than when these commits were made."""
    notes, read = [last.progress.more for last in lasts], _read(context).items()
    if all(read <= past.items() for past in notes):
        return False
    now = _last_days(context, coverage(context.settings).received_through)
    return any(_last_days(context, _instant(past.get(_THROUGH))) != now for past in notes)


def _read(context: JobContext) -> dict[str, Any]:
    """What received hours follow from: batches, and which proxies are expected."""
    haproxy_settings = context.settings.haproxy
    proxies = digest([haproxy_settings.expected_proxies, haproxy_settings.timezone])
    return {_BATCH: context.intake(haproxy.FEED).committed, _PROXIES: proxies}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _last_days(context: JobContext, through: datetime | None) -> list[date]:
    if through is None:
        return []
    return [calendar.day_of(through - _TICK) for calendar in context.calendars.by_tenant.values()]
