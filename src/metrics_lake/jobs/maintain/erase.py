"""One listener out of everything that was made of the logs: rows, figures, rollups, documents, and the files behind them.

Rows go day by day, each day's commit saying what it changed, so that a crash costs only the work done again. No commit
names an id: a condition would stand in Delta's log, which outlives the rows. Landing keeps its lines: whose they are
is told, and not touched here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.gold import listening_by_day
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.io.landing.intake import landing_at
from metrics_lake.jobs import changed_days
from metrics_lake.jobs.compute import compute, periods_of
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.partitions import BY_PERIOD
from metrics_lake.jobs.publish.publish import Published, publish
from metrics_lake.jobs.publish.stale import remove, stale_outputs
from metrics_lake.jobs.read_coverage import coverage
from metrics_lake.model.tables import Table, in_days
from metrics_lake.privacy import salts
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.silver import sessions, tenant_days
from metrics_lake.sources.haproxy.erasure_request import ErasureRequest, ListenerIds, listener_ids

JOB = "erase"


class EraseError(Exception):
    """A listener can't be erased now; the message says what to do first."""


@dataclass(frozen=True)
class Held:
    """What the lake holds of some listeners: their ids, and the landing files, still there, that their lines came in."""

    ids: frozenset[str]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Erased:
    """How many visits and sessions went, and what was published anew. `marks` are ids of the sessions that went."""

    visits: int
    sessions: int
    marks: frozenset[str]
    published: Published


def ids(work: JobContext, asked: Iterable[ErasureRequest], tenant: str, within: Iterable[date] = ()) -> ListenerIds:
    """The listener ids of clients under every key of the days that the lake holds, or of those of them in `within`."""
    privacy = work.settings.privacy
    hasher = Hasher(work.settings.secret(), salts.read(privacy.keys_file))
    identity = work.tenants.tenants[tenant].identity or privacy.identity
    days = days_held(work, within)
    return listener_ids(asked, tenant, days, hasher, identity=identity, rotation=privacy.key_rotation)


def days_held(work: JobContext, within: Iterable[date] = ()) -> list[date]:
    """The UTC days of which bronze or silver hold listeners; `within` leaves out all others."""
    held = {
        *work.delta_tables.frame(bronze.VISITS, columns=["happened_on"])["happened_on"].unique(),
        *work.delta_tables.frame(sessions.TABLE, columns=["started_on"])["started_on"].unique(),
    }
    wanted = set(within)
    return sorted(held & wanted if wanted else held)


def held(work: JobContext, ids: frozenset[str]) -> Held:
    """Which of the ids there are, and where their lines lie."""
    if work.stream.manifest.last_number > work.stream.committed:
        raise EraseError("a batch of files was begun and not ended: `metrics-lake run` first, then erase")
    mine = _is_one_of(ids)
    visits = work.delta_tables.frame(bronze.VISITS, mine, ["listener_id", "file_id"]).unique()
    known = work.delta_tables.frame(sessions.TABLE, mine, ["listener_id"])
    files = work.delta_tables.frame(bronze.FILES, columns=["file_id", "path"])
    there = work.stream.landed_paths(landing_at(work.settings.storage.landing))
    paths = set(files.join(visits, on="file_id", how="semi")["path"])
    return Held(frozenset({*visits["listener_id"], *known["listener_id"]}), tuple(sorted(paths & there)))


def erase(work: JobContext, tenant: str, ids: frozenset[str], tables: Iterable[Table]) -> Erased:
    """Takes the listeners out of bronze and silver, works their days out anew, publishes these, and lets go of the files
    of all `tables` that their newest versions don't hold. Doing it again changes nothing.
    """
    work.on_step("taking visits out")
    visits = sum(gone.height for gone in _taken_out(work, bronze.TABLE, "happened_on", ids))
    work.on_step("taking sessions out")
    gone = pl.concat(
        [work.delta_tables.frame(sessions.TABLE).clear(), *_taken_out(work, sessions.TABLE, "started_on", ids)]
    )
    compute(work)
    for table in tables:
        work.delta_tables.purge(table)
    _clear(work, tenant)
    published = publish(work)
    store = open_document_store(work.settings)
    if isinstance(store, SqliteDocuments):
        store.scrub()
    return Erased(visits, gone.height, frozenset(gone["session_id"]), published)


def _taken_out(work: JobContext, table: Table, day: str, ids: frozenset[str]) -> Iterator[pl.DataFrame]:
    """Replaces each day's part of a table that holds any of the ids by the rows of everybody else; gives what went."""
    mine = _is_one_of(ids)
    parts = work.delta_tables.frame(table, mine, [day])[day].unique().sort()
    for on in parts:
        rows = work.delta_tables.frame(table, pl.col(day) == on)
        gone = rows.filter(mine)
        work.delta_tables.replace(
            table, rows.filter(~mine.fill_null(False)), in_days(day, [on]), _progress(work, table, gone)
        )
        yield gone


def _is_one_of(ids: Iterable[str]) -> pl.Expr:
    return pl.col("listener_id").is_in(sorted(ids))


def _progress(work: JobContext, table: Table, gone: pl.DataFrame) -> Progress:
    """The last job's, since up to where it had read stays true; and of sessions the days that they leave."""
    last = work.commit_log.last(table)
    found = last.progress if last else Progress(JOB, {}, "")
    if table is not sessions.TABLE:
        return replace(found, job=JOB, days=())
    days = sorted(tenant_days.touched_here(gone, work.calendars.by_tenant))
    return replace(found, job=JOB, days=tuple(on.isoformat() for on in days), more=changed_days.note(work.calendars))


def _clear(work: JobContext, tenant: str) -> None:
    """Removes what stands of streams and days whose last listener went: no figure is left that would replace it."""
    days = work.delta_tables.frame(listening_by_day.TABLE, pl.col("tenant") == tenant, ["listened_on"])["listened_on"]
    periods = periods_of(work, days.unique(), coverage(work.settings).complete_through).get(tenant, ())
    remove(work, tenant, stale_outputs(work, tenant, periods))
    if periods:
        return
    for table in BY_PERIOD:
        last = work.commit_log.last(table)
        if last and work.delta_tables.frame(table, pl.col("tenant") == tenant, ["tenant"]).height:
            work.delta_tables.replace(table, pl.DataFrame(), f"tenant = '{tenant}'", replace(last.progress, days=()))
            work.delta_tables.purge(table)
