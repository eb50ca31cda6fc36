"""Downloads of apps, published: a document for each app and day, and the section of a tenant's rollups.

All of it fits one process and does without Spark. Where no tenant has an app, or nothing has changed, nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl

from metrics_lake.config.settings import digest
from metrics_lake.gold import downloads_by_day as gold
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.documents.store import DocumentStore
from metrics_lake.io.storage.blobs import blobs_in
from metrics_lake.jobs.compute_downloads import days_changed, version
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish.stale_downloads import remove_unknown, remove_unnamed
from metrics_lake.jobs.refine_downloads import apps_of, months_of
from metrics_lake.serve import downloads as serve
from metrics_lake.serve.sums import Row

STATE = "_downloads.json"


@dataclass(frozen=True)
class Published:
    """How many documents were written or removed."""

    written: int = 0
    removed: int = 0


def publish(context: JobContext, *, accept_loss: bool = False) -> Published:
    """Writes the documents of every month that changed, where they differ from what stands, and removes those of apps that
    their tenant names no longer.

    With `accept_loss` those are removed that gold doesn't hold, whichever lake they were made from.
    """
    blobs, newest, apps = blobs_in(context.settings.storage.rollups), version(context), digest(apps_of(context))
    place = digest([context.settings.documents.model_dump(), context.commit_log.lake_id(gold.TABLE)])
    state = json.loads(blobs.read(STATE) or b"{}")
    is_of_these_apps = state.get("apps") == apps or (newest < 0 and not state)
    removed = remove_unknown(context) if accept_loss else 0 if is_of_these_apps else remove_unnamed(context)
    before = state["gold"] if state.get("documents") == place else -1  # another store, or lake, starts from nothing
    if newest <= before and is_of_these_apps:
        return Published(removed=removed)
    months = months_of(days_changed(context, before))
    context.on_step("publishing downloads")
    rows: list[Row] = context.delta_tables.frame(gold.TABLE, pl.col("month").is_in(months)).to_dicts()
    done = _write(open_document_store(context.settings), apps_of(context), months, serve.documents(rows))
    blobs.write(STATE, json.dumps({"gold": newest, "documents": place, "apps": apps}).encode())
    return replace(done, removed=done.removed + removed)


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
