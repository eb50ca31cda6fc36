"""Writes the documents of one tenant's hours, days and longer periods, a week of days at a time. Only changes are written.

A year's hours with their sketches take gigabytes where there are many streams and listeners: a week is read at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from metrics_lake.gold import listening_by_day, listening_by_hour
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.documents.store import DocumentStore
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish.stale import streams_of
from metrics_lake.model.periods import Calendar, Period
from metrics_lake.model.tables import Table
from metrics_lake.serve import listening
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.rollup.gold_rows import GoldRows
from metrics_lake.serve.rollup.summary import period_summary
from metrics_lake.serve.sums import Row

_DAYS_AT_ONCE = 7


@dataclass(frozen=True)
class DocumentCounts:
    """How many documents were written, and how many removed."""

    written: int
    removed: int


def need_spark(work: JobContext, days: Sequence[date]) -> bool:
    """Whether the documents of these days are more than `spark.from_documents`, in a store that Spark's workers can write to."""
    if not open_document_store(work.settings).takes_many_writers:
        return False
    tables = (listening_by_day.TABLE, listening_by_hour.TABLE)
    due = sum(work.delta_tables.count(table, pl.col("listened_on").is_in(list(days))) for table in tables)
    return due > work.settings.spark.from_documents


def write_days(
    work: JobContext, store: DocumentStore, tenant: str, days: Sequence[date], data_status: DataStatus
) -> None:
    """Writes the documents of these days and their hours, of every stream that ever had figures."""
    calendar = work.calendars.by_tenant[tenant]
    named = work.delta_tables.frame(listening_by_day.TABLE, pl.col("tenant") == tenant, ["stream"])
    streams = sorted(set(named["stream"]) & set(streams_of(work, tenant)))
    for week in (days[at : at + _DAYS_AT_ONCE] for at in range(0, len(days), _DAYS_AT_ONCE)):
        rows = [_rows(work, table, tenant, week) for table in (listening_by_day.TABLE, listening_by_hour.TABLE)]
        for stream in streams:
            by_day, by_hour = ([row for row in of_table if row["stream"] == stream] for of_table in rows)
            update_days(store, tenant, stream, calendar, week, by_day, by_hour, data_status)


def update_days(
    store: DocumentStore,
    tenant: str,
    stream: str,
    calendar: Calendar,
    days: Sequence[date],
    by_day: Iterable[Row],
    by_hour: Iterable[Row],
    data_status: DataStatus,
) -> DocumentCounts:
    """Writes one stream's documents of these days, in order, and of their hours, from their rows of gold."""
    new = [listening.day_document(tenant, row, calendar, data_status) for row in by_day]
    new += [listening.hour_document(tenant, row, data_status) for row in by_hour]
    return _update(store, tenant, new, _stored_days(store, tenant, stream, calendar, days))


def write_periods(
    store: DocumentStore, tenant: str, periods: Iterable[Period], gold: GoldRows, data_status: DataStatus
) -> None:
    """Writes the documents of longer periods. A rolling period, and that of all time, replaces the stored one of its name."""
    longer = [period for period in periods if period.kind in listening.LONGER]
    covered = data_status.covered(tenant)
    for stream in gold.streams(tenant):
        new = [
            listening.period_document(
                tenant, stream, period, period_summary(gold, tenant, stream, period, covered), data_status
            )
            for period in longer
            if gold.has_listening(tenant, stream, period)
        ]
        _update(store, tenant, new, _stored_periods(store, tenant, stream, longer))


def _rows(work: JobContext, table: Table, tenant: str, days: Sequence[date]) -> list[Row]:
    where = (pl.col("tenant") == tenant) & pl.col("listened_on").is_in(list(days))
    return work.delta_tables.frame(table, where).to_dicts()


def _stored_days(
    store: DocumentStore, tenant: str, stream: str, calendar: Calendar, days: Sequence[date]
) -> dict[str, Row]:
    """The stored documents of these days and their hours."""
    low, end = days[0], days[-1] + timedelta(days=1)
    stored = _between(
        store, tenant, f"{stream}:day:{listening.stamp(low)}", f"{stream}:day:{listening.stamp(days[-1])}"
    )
    first, last = listening.stamp(calendar.day_start(low)), listening.stamp(calendar.day_start(end))
    stored |= _between(store, tenant, f"{stream}:hour:{first}", f"{stream}:hour:{last}")
    due = set(days)
    return {id_: document for id_, document in stored.items() if _day(document, calendar) in due}


def _stored_periods(store: DocumentStore, tenant: str, stream: str, periods: Iterable[Period]) -> dict[str, Row]:
    """The stored documents of these longer periods."""
    ids = {listening.id_of(stream, period.kind, period.name) for period in periods}
    by_kind = (_between(store, tenant, f"{stream}:{kind}:", f"{stream}:{kind}:~") for kind in listening.LONGER)
    return {id_: document for stored in by_kind for id_, document in stored.items() if id_ in ids}


def _update(store: DocumentStore, tenant: str, new: Sequence[Row], stored: dict[str, Row]) -> DocumentCounts:
    """Writes the documents that differ from the stored ones, and removes the stored ones that are not among the new."""
    changed = [revised for document in new if (revised := listening.revised(document, stored.get(document["id"])))]
    if changed:
        store.upsert(listening.CONTAINER, changed)
    removed = sorted(stored.keys() - {document["id"] for document in new})
    if removed:
        store.delete(listening.CONTAINER, tenant, removed)
    return DocumentCounts(len(changed), len(removed))


def _between(store: DocumentStore, tenant: str, low: str, high: str) -> dict[str, Row]:
    return {document["id"]: document for document in store.between(listening.CONTAINER, tenant, low, high)}


def _day(document: Row, calendar: Calendar) -> date:
    return calendar.day_of(datetime.fromisoformat(document["begins_at"].replace("Z", "+00:00")))
