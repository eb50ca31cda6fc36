"""Stale documents of downloads: of apps that their tenant no longer names, or of another lake."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from metrics_lake.gold import downloads_by_day as gold
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.jobs.context import JobContext
from metrics_lake.serve import downloads as serve


def remove_unknown(work: JobContext) -> int:
    """Removes the documents of which gold has no row; returns how many."""
    rows = work.delta_tables.frame(gold.TABLE, pl.col("device") == serve.ALL)
    known = {(document["tenant"], document["id"]) for document in serve.documents(rows.to_dicts())}
    return _remove(work, lambda tenant, id_: (tenant, id_) not in known)


def remove_unnamed(work: JobContext) -> int:
    """Removes the documents of apps that their tenant no longer names; returns how many."""
    apps = {name: tenant.apps for name, tenant in work.tenants.tenants.items()}
    return _remove(work, lambda tenant, id_: not any(serve.is_of(app, id_) for app in apps[tenant]))


def remove_tenants(work: JobContext, tenants: Iterable[str]) -> int:
    """Removes the documents of tenants that tenants.yaml no longer names; returns how many."""
    return _remove(work, lambda tenant, id_: True, tenants)


def _remove(work: JobContext, is_stale: Callable[[str, str], bool], tenants: Iterable[str] | None = None) -> int:
    store, removed = open_document_store(work.settings), 0
    for tenant in work.tenants.tenants if tenants is None else sorted(tenants):
        ids = [id_ for id_ in store.ids(serve.CONTAINER, tenant) if is_stale(tenant, id_)]
        if ids:
            store.delete(serve.CONTAINER, tenant, ids)
        removed += len(ids)
    return removed
