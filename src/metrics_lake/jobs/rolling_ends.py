"""Whether rolling periods have to be computed again. They end with the day up to which data is complete, and a night in
which nobody listened completes a day without changing a session.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from metrics_lake.bronze import haproxy
from metrics_lake.io.lake.commit_log import Commit
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.read_coverage import coverage

_BATCH, _THROUGH = "batch", "complete_through"
_TICK = timedelta(microseconds=1)


def note(context: JobContext, through: datetime | None) -> dict[str, Any]:
    """What a commit of periods says of their ends; the batch, so that a run with nothing new needs to ask no further."""
    return {_BATCH: context.intake(haproxy.FEED).committed, _THROUGH: through.isoformat() if through else None}


def are_behind(context: JobContext, lasts: Sequence[Commit]) -> bool:
    """Whether for any tenant complete data ends with another day now than when these commits were made."""
    notes = [last.progress.more for last in lasts]
    batch = context.intake(haproxy.FEED).committed
    if all(past.get(_BATCH) == batch for past in notes):
        return False
    now = _last_days(context, coverage(context.settings).complete_through)
    return any(_last_days(context, _instant(past.get(_THROUGH))) != now for past in notes)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _last_days(context: JobContext, through: datetime | None) -> list[date]:
    if through is None:
        return []
    return [calendar.day_of(through - _TICK) for calendar in context.calendars.by_tenant.values()]
