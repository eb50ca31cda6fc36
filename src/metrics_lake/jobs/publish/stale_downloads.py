"""Documents of downloads that stand though they should not: of apps that their tenant names no longer, or of another lake."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from metrics_lake.gold import downloads_by_day as gold
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.jobs.context import JobContext
from metrics_lake.serve import downloads as serve


def remove_unknown(work: JobContext) -> int:
    """Removes the documents that gold doesn't hold; how many."""
    rows = work.delta_tables.frame(gold.TABLE, pl.col("device") == serve.ALL)
    known = {(each["tenant"], each["id"]) for each in serve.documents(rows.to_dicts())}
    return _remove(work, lambda tenant, id_: (tenant, id_) not in known)


def remove_unnamed(work: JobContext) -> int:
    """Removes the documents of apps that are no longer their tenant's; how many."""
    named = {name: tenant.apps for name, tenant in work.tenants.tenants.items()}
    return _remove(work, lambda tenant, id_: not any(serve.is_of(app, id_) for app in named[tenant]))


def _remove(work: JobContext, is_gone: Callable[[str, str], bool]) -> int:
    store, removed = open_document_store(work.settings), 0
    for tenant in work.tenants.tenants:
        gone = [id_ for id_ in store.ids(serve.CONTAINER, tenant) if is_gone(tenant, id_)]
        if gone:
            store.delete(serve.CONTAINER, tenant, gone)
        removed += len(gone)
    return removed
