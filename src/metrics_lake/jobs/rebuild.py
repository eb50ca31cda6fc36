"""Everything anew from landing, beside what stands; the old lake stays whole until the new one is, and after that too."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from metrics_lake.config.settings import Settings
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.landing.checkpoints import CheckpointError
from metrics_lake.io.landing.intake import landing_at
from metrics_lake.jobs import downloads, first_seen
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish.publish import Published
from metrics_lake.jobs.run import run


class RebuildError(Exception):
    """A rebuild would lose something; the message says what, and how to go on."""


@dataclass(frozen=True)
class Rebuilt:
    """Where the old lake lies now, how many files the new one was made from, and what was published."""

    old: Path | None
    files: int
    published: Published


def rebuild(work: JobContext, *, accept_loss: bool = False) -> Rebuilt:
    """Builds a lake beside the standing one, publishes what it holds and no more, and puts it in the old one's place.

    Killed before that change of places, the old lake stands as it was, and a rebuild begins anew.
    """
    gone = _gone(work)
    if gone and not accept_loss:
        raise RebuildError(
            f"{len(gone)} files that this lake was made from are no longer in {work.settings.storage.landing} as they were "
            f"read (such as {gone[0]}): put them back, or lose what they held with --accept-loss; nothing was changed"
        )
    if is_azure(work.settings.storage.lake):
        raise RebuildError(
            "storage.lake is in Azure's storage, where two lakes can't change places in one step: set storage.lake to a "
            "new folder there and run `metrics-lake run`, which makes everything anew from landing and publishes what "
            "differs; then delete the old folder"
        )
    lake = Path(work.settings.storage.lake)
    building = lake.with_name(f"{lake.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    fresh = replace(work, settings=_with_lake(work.settings, building))
    with fresh.lock("rebuild"):
        first_seen.carry(work, fresh.checkpoints)
        done = run(fresh, accept_loss=True)  # what is lost was named above
        old = _set_aside(lake) if lake.exists() else None
        building.rename(lake)
    return Rebuilt(old, done.ingested.files, done.published)


def _gone(work: JobContext) -> list[str]:
    """Logs that the standing lake has read, and reports whose figures still count, that landing has no more."""
    landing, reports = landing_at(work.settings.storage.landing), downloads.stream_of(work)
    try:
        logs = {entry.path for entry in work.stream.manifest.entries()}
        versions = [reports.landed_versions(landing, each) for each in downloads.SOURCES]
        through = reports.committed
    except CheckpointError:
        return []
    held = {path: content for each in versions for path, content in each.items()}
    counted = first_seen.lost(work, through, downloads.apps_of(work), held)
    return sorted({*(logs - work.stream.landed_paths(landing)), *counted})


def _with_lake(settings: Settings, lake: Path) -> Settings:
    storage = settings.storage.model_copy(update={"lake": str(lake)})
    return settings.model_copy(update={"storage": storage})


def _set_aside(lake: Path) -> Path:
    number = 1
    while (aside := lake.with_name(f"{lake.name}.before-{number}")).exists():
        number += 1
    return lake.rename(aside)
