"""Figures of gold into the documents store: hours, days and longer periods of one tenant, a week of days at a time.

A year's hours with their sketches are gigabytes where there are many streams and listeners, so no more of them is held at
once. Only what changed is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from metrics_lake.gold import listening_by_day, listening_by_hour
from metrics_lake.io.documents.store import DocumentStore
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.periods import Calendar, Period
from metrics_lake.model.tables import Table
from metrics_lake.serve import listening
from metrics_lake.serve.rollup.rollup import DataStatus
from metrics_lake.serve.rollup.rows import Figures, Row, in_period, summary

_DAYS_AT_ONCE = 7


@dataclass(frozen=True)
class Renewed:
    """How many documents were written, and how many removed."""

    written: int
    removed: int


def are_many(work: JobContext, days: Sequence[date]) -> bool:
    """Whether documents go to Cosmos DB, and those of these days are more than `spark.from_documents`."""
    if work.settings.documents.store != "cosmos":
        return False
    tables = (listening_by_day.TABLE, listening_by_hour.TABLE)
    due = sum(work.delta_tables.count(table, pl.col("listened_on").is_in(list(days))) for table in tables)
    return due > work.settings.spark.from_documents


def write_days(
    work: JobContext, store: DocumentStore, tenant: str, days: Sequence[date], data_status: DataStatus
) -> None:
    """The days that are due and their hours, of every stream that ever had any."""
    calendar = work.calendars.by_tenant[tenant]
    named = work.delta_tables.frame(listening_by_day.TABLE, pl.col("tenant") == tenant, ["stream"])
    streams = named["stream"].unique().sort().to_list()
    for some in (days[at : at + _DAYS_AT_ONCE] for at in range(0, len(days), _DAYS_AT_ONCE)):
        rows = [_rows(work, table, tenant, some) for table in (listening_by_day.TABLE, listening_by_hour.TABLE)]
        for stream in streams:
            by_day, by_hour = ([row for row in of_all if row["stream"] == stream] for of_all in rows)
            renew_days(store, tenant, stream, calendar, some, by_day, by_hour, data_status)


def renew_days(
    store: DocumentStore,
    tenant: str,
    stream: str,
    calendar: Calendar,
    days: Sequence[date],
    by_day: Iterable[Row],
    by_hour: Iterable[Row],
    data_status: DataStatus,
) -> Renewed:
    """One stream's documents of these days, in order, and of their hours, from the rows of gold that there are of them."""
    found = [listening.day_document(tenant, row, calendar, data_status) for row in by_day]
    found += [listening.hour_document(tenant, row, data_status) for row in by_hour]
    return _renew(store, tenant, found, _held_days(store, tenant, stream, calendar, days))


def write_periods(
    store: DocumentStore, tenant: str, periods: Iterable[Period], figures: Figures, data_status: DataStatus
) -> None:
    """Longer periods, by name; of a rolling one and of all that there is, the one that stands is replaced."""
    longer = [period for period in periods if period.kind in listening.LONGER]
    for stream in figures.streams(tenant):
        found, ids = [], {listening.id_of(stream, period.kind, period.name) for period in longer}
        for period in longer:
            days = list(in_period(figures.days[tenant, stream], period).values())
            known = figures.periods.get((tenant, stream, period.kind, period.name), {})
            if days:
                made = summary(days, unique_listeners=known.get("unique_listeners", 0), seconds=period.seconds)
                found.append(listening.period_document(tenant, stream, period, made, data_status))
        each = (_between(store, tenant, f"{stream}:{kind}:", f"{stream}:{kind}:~") for kind in listening.LONGER)
        held = {id_: document for some in each for id_, document in some.items() if id_ in ids}
        _renew(store, tenant, found, held)


def _rows(work: JobContext, table: Table, tenant: str, days: Sequence[date]) -> list[Row]:
    where = (pl.col("tenant") == tenant) & pl.col("listened_on").is_in(list(days))
    return work.delta_tables.frame(table, where).to_dicts()


def _held_days(
    store: DocumentStore, tenant: str, stream: str, calendar: Calendar, days: Sequence[date]
) -> dict[str, Row]:
    """What stands of these days and their hours."""
    low, end = days[0], days[-1] + timedelta(days=1)
    held = _between(store, tenant, f"{stream}:day:{listening.stamp(low)}", f"{stream}:day:{listening.stamp(days[-1])}")
    first, last = listening.stamp(calendar.day_start(low)), listening.stamp(calendar.day_start(end))
    held |= _between(store, tenant, f"{stream}:hour:{first}", f"{stream}:hour:{last}")
    wanted = set(days)
    return {id_: document for id_, document in held.items() if _day(document, calendar) in wanted}


def _renew(store: DocumentStore, tenant: str, found: Sequence[Row], held: dict[str, Row]) -> Renewed:
    """Writes what differs from what is held, and removes what there is no longer."""
    changed = [document for each in found if (document := listening.revised(each, held.get(each["id"])))]
    if changed:
        store.upsert(listening.CONTAINER, changed)
    gone = sorted(held.keys() - {each["id"] for each in found})
    if gone:
        store.delete(listening.CONTAINER, tenant, gone)
    return Renewed(len(changed), len(gone))


def _between(store: DocumentStore, tenant: str, low: str, high: str) -> dict[str, Row]:
    return {document["id"]: document for document in store.between(listening.CONTAINER, tenant, low, high)}


def _day(document: Row, calendar: Calendar) -> date:
    return calendar.day_of(datetime.fromisoformat(document["begins_at"].replace("Z", "+00:00")))
