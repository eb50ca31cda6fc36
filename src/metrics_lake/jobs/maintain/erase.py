"""Deletes one listener from everything that was made from the logs: rows, figures, rollups, documents, and their files.

Rows go day by day, each day's commit saying what it changed, so that a crash costs only the work done again. No commit
names an id: a condition would stand in Delta's log, which outlives the rows. Landing keeps its lines: the files are
named, and not touched here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.gold import discovery, listening_by_day
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.io.landing.intake import landing_at
from metrics_lake.jobs import changed_days, read_again
from metrics_lake.jobs.compute import compute, periods_of
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish.publish import Published, publish
from metrics_lake.jobs.publish.stale import remove, stale_outputs
from metrics_lake.jobs.read_coverage import coverage
from metrics_lake.model.tables import Table, View, in_days
from metrics_lake.privacy import salts
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.silver import sessions, tenant_days
from metrics_lake.sources.haproxy.erasure_request import ErasureRequest, ListenerIds, listener_ids

JOB = "erase"
_LISTENER_VIEWS = [(feed, view) for feed in FEEDS for view in feed.views if "listener_id" in view.columns]


class EraseError(Exception):
    """A listener can't be erased now; the message says what to do first."""


@dataclass(frozen=True)
class Stored:
    """What the lake has of some listeners: their ids, and the landing files that their lines came in, if these still exist;
    and how many visits and sessions of theirs there are.
    """

    ids: frozenset[str]
    files: tuple[str, ...]
    visits: int = 0
    sessions: int = 0


@dataclass(frozen=True)
class Erased:
    """How many visits and sessions went, and what was published anew. `marks` are ids of the sessions that went."""

    visits: int
    sessions: int
    marks: frozenset[str]
    published: Published


def ids(context: JobContext, asked: Iterable[ErasureRequest], tenant: str, within: Iterable[date] = ()) -> ListenerIds:
    """The listener ids of clients under every key of the days that the lake holds, or of those of them in `within`."""
    privacy = context.settings.privacy
    hasher = Hasher(context.settings.secret(), salts.read(privacy.keys_file))
    identity = context.tenants.tenants[tenant].identity or privacy.identity
    days = days_with_listeners(context, within)
    return listener_ids(asked, tenant, days, hasher, identity=identity, rotation=privacy.key_rotation)


def days_with_listeners(context: JobContext, within: Iterable[date] = ()) -> list[date]:
    """The UTC days of which bronze or silver hold listeners; `within` leaves out all others."""
    days = {
        *(day for feed, view in _LISTENER_VIEWS for day in _days(context, view, _day_column(feed.table))),
        *_days(context, sessions.TABLE, "started_on"),
    }
    chosen = set(within)
    return sorted(days & chosen if chosen else days)


def stored(context: JobContext, ids: frozenset[str]) -> Stored:
    """Which of the ids are in the lake, and which landing files their lines came in."""
    mine, ids_seen, paths, visits = _is_one_of(ids), set[str](), set[str](), 0
    landing = landing_at(context.settings.storage.landing)
    for feed, view in _LISTENER_VIEWS:
        intake = context.intake(feed)
        if intake.manifest.last_number > intake.committed:
            raise EraseError("a batch of files was begun and not ended: `metrics-lake run` first, then erase")
        rows = context.delta_tables.frame(view, mine, ["listener_id", "file_id"])
        visits, rows = visits + rows.height, rows.unique()
        files = context.delta_tables.frame(feed.files, columns=["file_id", "path"])
        ids_seen |= set(rows["listener_id"])
        paths |= set(files.join(rows, on="file_id", how="semi")["path"]) & set(intake.landed(landing))
    known = context.delta_tables.frame(sessions.TABLE, mine, ["listener_id"])
    return Stored(frozenset({*ids_seen, *known["listener_id"]}), tuple(sorted(paths)), visits, known.height)


def erase(context: JobContext, tenant: str, ids: frozenset[str], tables: Iterable[Table]) -> Erased:
    """Deletes the listeners from bronze and silver, computes and publishes their days again, and deletes the files of all
    `tables` that are not in their newest versions. Doing it again changes nothing.
    """
    context.on_step("taking visits out")
    for feed, view in _LISTENER_VIEWS:
        files = context.delta_tables.frame(view, _is_one_of(ids), ["file_id"])["file_id"]
        read_again.keep(context, feed, files.unique())
    raw = [feed.table for feed, _ in _LISTENER_VIEWS]
    visits = sum(gone.height for table in raw for gone in _taken_out(context, table, _day_column(table), ids))
    context.on_step("taking sessions out")
    gone = pl.concat(
        [context.delta_tables.frame(sessions.TABLE).clear(), *_taken_out(context, sessions.TABLE, "started_on", ids)]
    )
    compute(context)
    for table in tables:
        context.delta_tables.purge(table)
    _clear(context, tenant)
    published = publish(context)
    open_document_store(context.settings).scrub()
    return Erased(visits, gone.height, frozenset(gone["session_id"]), published)


def _taken_out(context: JobContext, table: Table, day: str, ids: frozenset[str]) -> Iterator[pl.DataFrame]:
    """Replaces each partition with any of the ids by the rows of everybody else; yields the deleted rows."""
    mine = _is_one_of(ids)
    parts = context.delta_tables.frame(table, mine, [day])[day].unique().sort()
    for on in parts:
        rows = context.delta_tables.frame(table, pl.col(day) == on)
        gone = rows.filter(mine)
        context.delta_tables.replace(
            table, rows.filter(~mine.fill_null(False)), in_days(day, [on]), _progress(context, table, gone)
        )
        yield gone


def _day_column(table: Table) -> str:
    """The column of days by which a table is partitioned."""
    return next(name for name in table.partitioned_by if name.endswith("_on"))


def _days(context: JobContext, table: Table | View, day: str) -> list[date]:
    days: list[date] = context.delta_tables.frame(table, columns=[day])[day].unique().to_list()
    return days


def _is_one_of(ids: Iterable[str]) -> pl.Expr:
    return pl.col("listener_id").is_in(sorted(ids))


def _progress(context: JobContext, table: Table, gone: pl.DataFrame) -> Progress:
    """The last job's, since up to where it had read stays true; and of sessions the days that they leave."""
    last = context.commit_log.last(table)
    progress = last.progress if last else Progress(JOB, {}, "")
    if table is not sessions.TABLE:
        return replace(progress, job=JOB, days=())
    days = sorted(tenant_days.touched(gone, context.calendars.by_tenant))
    return replace(
        progress, job=JOB, days=tuple(on.isoformat() for on in days), more=changed_days.note(context.calendars)
    )


def _clear(context: JobContext, tenant: str) -> None:
    """Removes what stands of streams and days whose last listener went: no figure is left that would replace it."""
    days = context.delta_tables.frame(listening_by_day.TABLE, pl.col("tenant") == tenant, ["listened_on"])[
        "listened_on"
    ]
    periods = periods_of(context, days.unique(), coverage(context.settings).received_through).get(tenant, ())
    remove(context, tenant, stale_outputs(context, tenant, periods))
    if periods:
        return
    for table in discovery.tables("period"):
        last = context.commit_log.last(table)
        if last and context.delta_tables.frame(table, pl.col("tenant") == tenant, ["tenant"]).height:
            context.delta_tables.replace(table, pl.DataFrame(), f"tenant = '{tenant}'", replace(last.progress, days=()))
            context.delta_tables.purge(table)
