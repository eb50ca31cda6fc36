"""Stale outputs: rollups and documents of which gold has no figures any more.

A stream was renamed, a rebuild has no lines of a day, or a listener was erased who was a day's only one. They are recognised by
name: each published path and id is compared with those that gold would give.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from metrics_lake.config.tenants import ALL_STREAMS
from metrics_lake.gold import listening_by_day, listening_by_hour
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.storage.blobs import blobs_in
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import index
from metrics_lake.model.periods import Period
from metrics_lake.serve import downloads
from metrics_lake.serve.listening import CONTAINER, id_of, stamp
from metrics_lake.serve.rollup import rollup


@dataclass(frozen=True)
class StaleOutputs:
    """Paths of rollups and ids of documents of one tenant."""

    blobs: list[str]
    documents: list[str]

    @property
    def days(self) -> list[str]:
        """The rollups of single days."""
        return [path for path in self.blobs if path.split("/")[-2] == "day"]


def stale_outputs(work: JobContext, tenant: str, periods: Sequence[Period]) -> StaleOutputs:
    """The stale outputs of a tenant; `periods` are all that its figures lie in."""
    current = [(stream, period) for stream, days in _days(work, tenant) for period in _with_any(days, periods)]
    paths = {rollup.path(tenant, stream, period) for stream, period in current}
    ids = {id_of(stream, period.kind, period.name) for stream, period in current} | set(_ids_of_hours(work, tenant))
    blobs, store = blobs_in(work.settings.storage.rollups), open_document_store(work.settings)
    return StaleOutputs(
        [path for path in index.blobs_of(blobs, tenant) if path not in paths],
        [id_ for id_ in store.ids(CONTAINER, tenant) if id_ not in ids],
    )


def remove(work: JobContext, tenant: str, outputs: StaleOutputs) -> None:
    """Removes them; rollups leave the tenant's index first."""
    index.remove(blobs_in(work.settings.storage.rollups), tenant, outputs.blobs)
    if outputs.documents:
        open_document_store(work.settings).delete(CONTAINER, tenant, outputs.documents)


def of_tenants(work: JobContext, periods: Mapping[str, Sequence[Period]]) -> dict[str, StaleOutputs]:
    """The stale outputs of every tenant; `periods` are all that their figures lie in."""
    return {tenant: stale_outputs(work, tenant, periods.get(tenant, ())) for tenant in work.tenants.tenants}


def remove_tenants(work: JobContext, tenants: Sequence[str]) -> None:
    """Removes everything published of tenants that tenants.yaml no longer names."""
    blobs = blobs_in(work.settings.storage.rollups)
    for tenant in tenants:
        work.on_step(f"removing what is published of {tenant}, which {work.settings.tenants_file} no longer names")
        index.remove(blobs, tenant, list(index.blobs_of(blobs, tenant)))
        store = open_document_store(work.settings)
        for container in (CONTAINER, downloads.CONTAINER):
            if ids := list(store.ids(container, tenant)):
                store.delete(container, tenant, ids)


def streams_of(work: JobContext, tenant: str) -> list[str]:
    """The streams of which figures are published: those that tenants.yaml names, and all of them together."""
    return [ALL_STREAMS, *work.tenants.tenants[tenant].streams]


def remove_all(work: JobContext, by_tenant: Mapping[str, StaleOutputs]) -> None:
    for tenant, outputs in by_tenant.items():
        named = {rollup.folder(stream) for stream in streams_of(work, tenant)}
        for stream in sorted({path.split("/")[1] for path in outputs.blobs} - named):
            file = work.settings.tenants_file
            work.on_step(f"removing what is published of {tenant}/{stream}, which {file} no longer names")
        remove(work, tenant, outputs)


def _days(work: JobContext, tenant: str) -> Iterator[tuple[str, list[date]]]:
    """Each stream with its days, in order."""
    rows = work.delta_tables.frame(listening_by_day.TABLE, _is_published(work, tenant), ["stream", "listened_on"])
    for (stream,), of_stream in rows.sort("listened_on").group_by("stream"):
        yield str(stream), of_stream["listened_on"].to_list()


def _with_any(days: Sequence[date], periods: Sequence[Period]) -> Iterator[Period]:
    """The periods that contain any of the days, which are sorted."""
    for period in periods:
        at = bisect_left(days, period.first_on)
        if at < len(days) and days[at] < period.end_on:
            yield period


def _ids_of_hours(work: JobContext, tenant: str) -> Iterator[str]:
    rows = work.delta_tables.frame(listening_by_hour.TABLE, _is_published(work, tenant), ["stream", "hour_at"])
    return (id_of(stream, "hour", stamp(hour_at)) for stream, hour_at in rows.iter_rows())


def _is_published(work: JobContext, tenant: str) -> pl.Expr:
    return (pl.col("tenant") == tenant) & pl.col("stream").is_in(streams_of(work, tenant))
