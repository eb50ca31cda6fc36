"""The lane of app downloads: reports of stores into bronze, silver, gold and documents. Its data is small, so are its jobs.

The unit of recompute is a month, the partition of its tables: Google rewrites a month's file every day. Spark takes the
reports in; all that follows fits one process and does without it. Where no tenant has an app, or nothing new has come, no
Spark is started.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from metrics_lake.bronze import store_reports as bronze
from metrics_lake.config.settings import digest, rules
from metrics_lake.config.tenants import App
from metrics_lake.gold import downloads_by_day as gold
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.documents.store import DocumentStore
from metrics_lake.io.lake.commit_log import Commit, Progress
from metrics_lake.io.landing.intake import Intake, landing_at
from metrics_lake.io.storage.blobs import blobs_in
from metrics_lake.jobs import first_seen
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain import reset_checkpoint
from metrics_lake.jobs.maintain.retry import retried
from metrics_lake.jobs.publish.stale_downloads import remove_unknown, remove_unnamed
from metrics_lake.jobs.refine_downloads import Due, in_months, months_of
from metrics_lake.jobs.refine_downloads import refine as refine_reports
from metrics_lake.model.periods import Period
from metrics_lake.model.tables import Table
from metrics_lake.privacy.redaction import Names, encrypted
from metrics_lake.serve import downloads as serve
from metrics_lake.serve.rollup.rows import Row
from metrics_lake.silver import downloads as silver

SOURCES, REFINED, WORKED_OUT = bronze.FOLDERS, silver.TABLE, gold.TABLE
STATE = "_downloads.json"


@dataclass(frozen=True)
class Published:
    """How many documents were written or removed."""

    written: int = 0
    removed: int = 0


def stream_of(work: JobContext) -> Intake:
    return Intake(bronze, f"{work.checkpoints}/ingest_downloads", Names(work.settings.secret()).redact_path)


def apps_of(work: JobContext) -> list[tuple[str, str, str, str | None]]:
    """Each tenant's apps, as rows of silver's APPS: of Apple one for each vendor."""
    return [
        (name, app.store, app.id, vendor)
        for name, tenant in work.tenants.tenants.items()
        for app in tenant.apps
        for vendor in _vendors(app, work.settings.app_store.vendor)
    ]


def _vendors(app: App, default: str) -> Sequence[str | None]:
    return (app.vendor or (default or None,)) if app.store == "apple" else (None,)


def run(work: JobContext, *, accept_loss: bool = False) -> tuple[int, Published]:
    """Everything once, in order: how many files were taken in, and what was published."""
    files = ingest(work)
    retried(lambda: refine(work))
    retried(lambda: compute(work))
    return files, publish(work, accept_loss=accept_loss)


def ingest(work: JobContext, folder: str | None = None) -> int:
    """Reads every report that is new or has changed, of one store or of all; how many."""
    if not apps_of(work):
        return 0
    stream, root, files = stream_of(work), landing_at(work.settings.storage.landing), 0
    seen = first_seen.carried(work.checkpoints)
    stream.check(work.table_path(bronze.TABLE))
    reading = _rules(work)
    for each in [folder] if folder else SOURCES:
        while batch := stream.plan(root, reading, work.settings.ingest.batch_bytes, folder=each, dated=seen):
            files += len(batch.entries)
    if stream.manifest.last_number > stream.committed:
        work.on_step(f"reading {files} new reports of stores")
        work.read(stream, bronze.TABLE)
    return files


def begin_again(work: JobContext) -> int:
    """A new checkpoint behind what bronze holds, where the old one is torn or lost; see epochs.begin_again."""
    return reset_checkpoint.begin_again(work, stream_of(work), bronze)


def _rules(work: JobContext) -> dict[str, str]:
    """The rules, sealed; the secret's file by its whole path, since a worker may stand elsewhere."""
    secret_file = str(Path(work.settings.privacy.secret_file).resolve())
    reading = rules(work.settings, work.tenants)
    return encrypted(
        reading.model_copy(update={"privacy": reading.privacy.model_copy(update={"secret_file": secret_file})})
    )


def refine(work: JobContext) -> bool:
    """Brings silver.downloads up to the newest batch; false if nothing was due."""
    apps, through = apps_of(work), stream_of(work).committed
    last, settled = work.commit_log.last(silver.TABLE), digest([silver.MEANING, apps])
    since = last.progress.watermark[bronze.TABLE.name] if last and last.progress.rules == settled else 0
    if since >= through or not (apps or last):
        return False
    work.on_step("sorting out reports of stores")
    refine_reports(work, Due(since, through, apps, settled))
    return True


def compute(work: JobContext, days: Sequence[date] = ()) -> bool:
    """Brings gold.downloads_by_day up to silver.downloads, and the months of `days` anew; false if nothing was due."""
    version, last = work.commit_log.version(silver.TABLE), work.commit_log.last(gold.TABLE)
    since = last.progress.watermark[silver.TABLE.name] if last else -1
    if version < 0 or (since >= version and not days):
        return False
    work.on_step("working out downloads by day")
    changed = sorted(_days(work.commit_log.commits(silver.TABLE, after=since)) | set(days))
    months = months_of(changed)
    told = work.delta_tables.frame(silver.TABLE, pl.col("month").is_in(months))
    progress = _progress({silver.TABLE: version}, "", changed)
    work.delta_tables.replace(gold.TABLE, gold.compute(told), in_months(months), progress)
    return True


def _progress(through: dict[Table, int], settled: str, days: Iterable[date]) -> Progress:
    read = {table.name: version for table, version in through.items()}
    return Progress("downloads", read, settled, tuple(on.isoformat() for on in days))


def _days(commits: Iterable[Commit]) -> set[date]:
    return {date.fromisoformat(day) for commit in commits for day in commit.progress.days}


def days_changed(work: JobContext, after: int) -> set[date]:
    """The days whose figures may have changed since a version of gold.downloads_by_day."""
    return _days(work.commit_log.commits(gold.TABLE, after=after))


def version(work: JobContext) -> int:
    """The newest version of gold.downloads_by_day; -1 where there is none."""
    return work.commit_log.version(gold.TABLE)


def publish(work: JobContext, *, accept_loss: bool = False) -> Published:
    """Writes the documents of every month that changed, where they differ from what stands, and removes those of apps that
    their tenant names no longer.

    With `accept_loss` those are removed that gold doesn't hold, whichever lake they were made from.
    """
    blobs, newest, apps = blobs_in(work.settings.storage.rollups), version(work), digest(apps_of(work))
    place = digest([work.settings.documents.model_dump(), work.commit_log.lake_id(gold.TABLE)])
    state = json.loads(blobs.read(STATE) or b"{}")
    is_of_these_apps = state.get("apps") == apps or (newest < 0 and not state)
    removed = remove_unknown(work) if accept_loss else 0 if is_of_these_apps else remove_unnamed(work)
    before = state["gold"] if state.get("documents") == place else -1  # another store, or lake, starts from nothing
    if newest <= before and is_of_these_apps:
        return Published(removed=removed)
    months = months_of(days_changed(work, before))
    work.on_step("publishing downloads")
    rows: list[Row] = work.delta_tables.frame(gold.TABLE, pl.col("month").is_in(months)).to_dicts()
    done = _write(open_document_store(work.settings), apps_of(work), months, serve.documents(rows))
    blobs.write(STATE, json.dumps({"gold": newest, "documents": place, "apps": apps}).encode())
    return replace(done, removed=done.removed + removed)


def sections(work: JobContext, tenant: str, first_on: date, end_on: date) -> Callable[[Period], Row | None]:
    """What the documents of a tenant's apps say of any period within `[first_on, end_on)`, for its rollup."""
    apps, store = work.tenants.tenants[tenant].apps, open_document_store(work.settings)
    by_day: dict[str, list[Row]] = {}
    for app in apps:
        ids = serve.ids_between(app.store, app.id, first_on.isoformat(), end_on.isoformat())
        for document in store.between(serve.CONTAINER, tenant, *ids):
            by_day.setdefault(document["date"], []).append(document)

    def section(period: Period) -> Row | None:
        held = [document for on in period.days for document in by_day.get(on.isoformat(), ())]
        return serve.section(apps, held, period.days)

    return section


def _write(
    store: DocumentStore, apps: Iterable[tuple[str, str, str, str | None]], months: Iterable[str], new: list[Row]
) -> Published:
    written = removed = 0
    for tenant, of, app in dict.fromkeys(each[:3] for each in apps):
        mine = {each["id"]: each for each in new if (each["tenant"], each["store"], each["app"]) == (tenant, of, app)}
        for month in months:
            low, high = serve.ids_between(of, app, month, f"{month}-31")
            held = {each["id"]: each for each in store.between(serve.CONTAINER, tenant, low, high)}
            fresh = [each for each in mine.values() if each["date"].startswith(month)]
            changed = [each for one in fresh if (each := serve.revised(one, held.get(one["id"])))]
            gone = [each for each in held if each not in mine]
            if changed:
                store.upsert(serve.CONTAINER, changed)
            if gone:
                store.delete(serve.CONTAINER, tenant, gone)
            written, removed = written + len(changed), removed + len(gone)
    return Published(written, removed)
