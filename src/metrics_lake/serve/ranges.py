"""Listening over any range of days, from the documents: no Spark, no lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from metrics_lake.io.documents import DocumentStore
from metrics_lake.periods import Calendar
from metrics_lake.serve import listening
from metrics_lake.serve.figures import Row

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Answer:
    """A range's total, and one summary for each bucket of it that has anything; `start` is a local date or an instant."""

    tenant: str
    stream: str
    first_on: date
    last_on: date
    by: str
    timezone: str
    total: Row
    buckets: list[Row]
    excluded: dict[str, int]


def ask(
    store: DocumentStore, tenant: str, calendar: Calendar, stream: str, first_on: date, last_on: date, by: str
) -> Answer:
    """What a range of a tenant's days holds, both ends included."""
    end_on = last_on + _DAY
    days = _documents(store, tenant, stream, "day", listening.stamp(first_on), listening.stamp(last_on))
    seconds = int((calendar.day_start(end_on) - calendar.day_start(first_on)).total_seconds())
    excluded: dict[str, int] = {}
    for document in days:
        for reason, number in document["excluded"].items():
            excluded[reason] = excluded.get(reason, 0) + number
    return Answer(
        tenant, stream, first_on, last_on, by, calendar.timezone,
        total=listening.total(days, seconds=seconds),
        buckets=list(_buckets(store, tenant, calendar, stream, days, first_on, end_on, by)),
        excluded=excluded,
    )  # fmt: skip


def _buckets(
    store: DocumentStore,
    tenant: str,
    calendar: Calendar,
    stream: str,
    days: list[Row],
    first_on: date,
    end_on: date,
    by: str,
) -> Iterator[Row]:
    if by == "hour":
        low, high = listening.stamp(calendar.day_start(first_on)), listening.stamp(calendar.day_start(end_on))
        hours = [hour for hour in _documents(store, tenant, stream, "hour", low, high) if hour["start"] < high]
        yield from ({"start": hour["start"], **_one(hour)} for hour in hours)
        return
    grouped: dict[Any, list[Row]] = {}
    for document in days:
        on = date.fromisoformat(document["start"])
        period = calendar.day(on) if by == "day" else calendar.week(on) if by == "week" else calendar.month(on)
        grouped.setdefault(period, []).append(document)
    begins, ends = calendar.day_start(first_on), calendar.day_start(end_on)
    for period, documents in grouped.items():
        asked = min(period.end, ends) - max(period.start, begins)  # a week or month may reach over the range's ends
        yield {"start": period.name, **listening.total(documents, seconds=int(asked.total_seconds()))}


def _one(document: Row) -> Row:
    names = ("total_sessions", "total_hours", "total_days", "unique_listeners", "peak_listeners", "peak_at",
             "average_listeners", "average_session_seconds", "sessions_completed", "sessions_active")  # fmt: skip
    exact = {"value": document["unique_listeners"], "method": "exact", "relative_error": 0.0}
    return {**{name: document[name] for name in names}, "unique_listeners": exact}


def _documents(store: DocumentStore, tenant: str, stream: str, grain: str, low: str, high: str) -> list[Row]:
    ids: Sequence[str] = (f"{stream}:{grain}:{low}", f"{stream}:{grain}:{high}")
    return store.between(listening.CONTAINER, tenant, *ids)
