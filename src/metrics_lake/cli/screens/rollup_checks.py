"""Checks of the doctor on what is published: every note, index and rollup, and the documents of each rollup's period.

On this machine each rollup's bytes are compared with the hash in its index: 5,000 rollups take a second. In Azure, where
each would be a request, sizes are compared, which come with the listing; a rollup that was cut differs in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from metrics_lake.cli.screens.lake_checks import Finding
from metrics_lake.config.settings import Settings, SettingsError, load_tenants
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.documents.store import StoreError
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.io.storage.blobs import Blobs, blobs_in
from metrics_lake.jobs.publish import index, notes, plan, publish_downloads
from metrics_lake.serve import listening

PUBLISH_ALL = ("metrics-lake publish --all",)
_NOTES = (plan.NOTE, publish_downloads.STATE, index.REMOVED)


def rollups(settings: Settings) -> Finding:
    """Whether every note and index can be parsed, and every rollup is there as its index says."""
    place = settings.storage.rollups
    try:
        blobs = blobs_in(place)
        sizes, note = blobs.sizes(""), plan.last_note(blobs)
        tenants = [name for name in _tenants(settings, note) if index.path_of(name) in sizes]
        broken = list(_broken(blobs, sizes, _tenants(settings, note), note, has_hashes=not is_azure(place)))
    except (SettingsError, AzureError) as error:
        return Finding("rollups", False, str(error), "mend what it says")
    if plan.is_underway(note):
        broken = [problem for problem in broken if not problem.is_of_publish]
    if broken:
        more = f" ({len(broken) - 1} more like it)" if len(broken) > 1 else ""
        return Finding("rollups", False, f"{place}/{broken[0].text}{more}", commands=PUBLISH_ALL)
    if plan.is_underway(note):
        return Finding("rollups", True, "a publish is under way or was cut short: the next run ends it")
    return Finding("rollups", True, f"{len(tenants)} tenants published" if tenants else "nothing yet")


def documents(settings: Settings) -> Finding:
    """Whether the store can be used, and a file of SQLite has the documents of every rollup's period."""
    try:
        health = open_document_store(settings).health()
    except SettingsError as error:
        state, _, remedy = str(error).partition(": ")
        return Finding("documents", False, state, remedy)
    if health.is_right and settings.documents.store == "sqlite":
        missing, expected = _missing_documents(settings)
        if missing:
            state = f"{settings.documents.path} lacks {missing} of the {expected} documents of published periods"
            return Finding("documents", False, state, commands=PUBLISH_ALL)
    return Finding("documents", health.is_right, health.state, health.remedy, health.commands)


class _Problem(NamedTuple):
    """What is wrong with a file; `is_of_publish` where a publish that is under way makes it so for a while."""

    text: str
    is_of_publish: bool = False


def _broken(
    blobs: Blobs, sizes: Mapping[str, int], tenants: list[str], note: plan.Note, *, has_hashes: bool
) -> Iterator[_Problem]:
    for path in _NOTES:
        if path in sizes and notes.is_torn(blobs.read(path)):
            yield _Problem(f"{path} is torn")
    for tenant in tenants:
        place = index.path_of(tenant)
        own = {path for path in sizes if index.is_rollup(tenant, path)}
        if place not in sizes:
            yield from [_Problem(f"{place} is lost")] if own or tenant in note.get(plan.MARKS, {}) else ()
        elif index.is_torn(blobs.read(place)):
            yield _Problem(f"{place} is torn")
        else:
            yield from _broken_rollups(blobs, sizes, tenant, own, has_hashes)


def _broken_rollups(
    blobs: Blobs, sizes: Mapping[str, int], tenant: str, own: set[str], has_hashes: bool
) -> Iterator[_Problem]:
    """The rollups of a tenant that are not what its index says."""
    rows = index.rows_of(blobs, tenant)
    for path, row in rows.items():
        size = sizes.get(path)
        if size is None:
            yield _Problem(f"{path} is lost")
        elif size != row["size"]:
            yield _Problem(f"{path} has {size} bytes instead of {row['size']}", True)
        elif has_hashes and "hash" in row and index.content_mark(blobs.read(path) or b"") != row["hash"]:
            yield _Problem(f"{path} is not as it was published", True)
    yield from (_Problem(f"{path} is not in its tenant's index", True) for path in sorted(own - rows.keys()))


def _tenants(settings: Settings, note: plan.Note) -> list[str]:
    """The tenants of the settings and those of the last publish. Other folders beside them belong to others."""
    try:
        named = load_tenants(settings).tenants
    except SettingsError:  # another check's finding
        named = {}
    return sorted({*named, *note.get(plan.MARKS, {})})


def _missing_documents(settings: Settings) -> tuple[int, int]:
    """How many documents of listed rollups the store lacks, and how many there should be."""
    missing = expected = 0
    try:
        blobs, store = blobs_in(settings.storage.rollups), open_document_store(settings)
        for tenant in _tenants(settings, plan.last_note(blobs)):
            rows = index.rows_of(blobs, tenant).values()
            ids = {listening.id_of(row["stream"], row["kind"], row["name"]) for row in rows}
            missing += len(ids.difference(store.ids(listening.CONTAINER, tenant))) if ids else 0
            expected += len(ids)
    except (SettingsError, AzureError, StoreError):  # the finding of the rollups, or of the next check
        return 0, 0
    return missing, expected
