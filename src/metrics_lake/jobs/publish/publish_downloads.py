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
from metrics_lake.jobs.publish import notes
from metrics_lake.jobs.publish.stale_downloads import remove_tenants, remove_unknown, remove_unnamed
from metrics_lake.jobs.refine_downloads import apps_of, months_of
from metrics_lake.serve import downloads as serve
from metrics_lake.serve.sums import Row

STATE = "_downloads.json"


@dataclass(frozen=True)
class Published:
    """How many documents were written or removed."""

    written: int = 0
    removed: int = 0


def publish(context: JobContext, *, accept_loss: bool = False, everything: bool = False) -> Published:
    """Writes the documents of every month that changed, where they differ from what stands, and removes those of apps that
    their tenant names no longer.

    With `accept_loss` those are removed that gold doesn't hold, whichever lake they were made from; with `everything` all are
    compared, whatever the note of the last publish says.
    """
    blobs, newest, apps = blobs_in(context.settings.storage.rollups), version(context), digest(apps_of(context))
    place = digest([context.settings.documents.model_dump(), context.commit_log.lake_id(gold.TABLE)])
    if everything:
        notes.remove_torn(blobs, (STATE,))
    state = notes.read(blobs, STATE)
    is_of_these_apps = state.get("apps") == apps or (newest < 0 and not state)
    removed = remove_unknown(context) if accept_loss else 0 if is_of_these_apps else remove_unnamed(context)
    removed += remove_tenants(context, set(state.get("tenants", ())) - set(context.tenants.tenants))
    is_known = state.get("documents") == place and not everything  # another store, or lake, starts from nothing
    before = state["gold"] if is_known else -1
    if newest <= before and is_of_these_apps:
        return Published(removed=removed)
    months = months_of(days_changed(context, before))
    context.on_step("publishing downloads")
    rows: list[Row] = context.delta_tables.frame(gold.TABLE, pl.col("month").is_in(months)).to_dicts()
    done = _write(open_document_store(context.settings), apps_of(context), months, serve.documents(rows))
    tenants = sorted(name for name, tenant in context.tenants.tenants.items() if tenant.apps)
    new_state = {"gold": newest, "documents": place, "apps": apps, "tenants": tenants}
    blobs.write(STATE, json.dumps(new_state).encode())
    return replace(done, removed=done.removed + removed)


def _write(
    store: DocumentStore, apps: Iterable[tuple[str, str, str, str | None]], months: Iterable[str], new: list[Row]
) -> Published:
    written = removed = 0
    for tenant, app_store, app in dict.fromkeys(row[:3] for row in apps):
        key = (tenant, app_store, app)
        of_app = {row["id"]: row for row in new if (row["tenant"], row["store"], row["app"]) == key}
        for month in months:
            low, high = serve.ids_between(app_store, app, month, f"{month}-31")
            stored = {document["id"]: document for document in store.between(serve.CONTAINER, tenant, low, high)}
            fresh = [row for row in of_app.values() if row["date"].startswith(month)]
            changed = [document for row in fresh if (document := serve.revised(row, stored.get(row["id"])))]
            gone = [id_ for id_ in stored if id_ not in of_app]
            if changed:
                store.upsert(serve.CONTAINER, changed)
            if gone:
                store.delete(serve.CONTAINER, tenant, gone)
            written, removed = written + len(changed), removed + len(gone)
    return Published(written, removed)
