"""A new lake from all files in landing, built beside the old one, which stays whole until the new one is and after that too."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.config.settings import Settings
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.landing.checkpoints import CheckpointError
from metrics_lake.io.landing.intake import landing_at
from metrics_lake.jobs import carry_erased, first_seen
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish.publish import Published
from metrics_lake.jobs.run import run
from metrics_lake.jobs.stages import missing_paths


class RebuildError(Exception):
    """A rebuild would lose something; the message says what, and how to go on."""


@dataclass(frozen=True)
class Rebuilt:
    """Where the old lake lies now, how many files the new one was made from, what was published, and how many sessions of
    epochs whose key is destroyed were taken over.
    """

    old: Path | None
    files: int
    published: Published
    carried: int = 0


@dataclass(frozen=True)
class Preview:
    """What a rebuild would read, and which files of the old lake landing no longer has."""

    files: int
    missing: tuple[str, ...]


def preview(context: JobContext) -> Preview:
    """Reads and changes nothing but names of files."""
    landing = landing_at(context.settings.storage.landing)
    return Preview(sum(len(context.intake(feed).landed(landing)) for feed in FEEDS), tuple(_missing(context)))


def rebuild(context: JobContext, *, accept_loss: bool = False) -> Rebuilt:
    """Builds a lake beside the old one, publishes what it contains and nothing else, and moves it to the old one's place.

    If it is killed before that move, the old lake is as it was, and the next rebuild starts again.
    """
    missing = _missing(context)
    if missing and not accept_loss:
        raise RebuildError(
            f"{len(missing)} files that this lake was made from are no longer in {context.settings.storage.landing} as they were "
            f"read, or can't be read there (such as {missing[0]}): put them back or rehydrate them, or lose what they held with "
            "--accept-loss; nothing was changed"
        )
    if is_azure(context.settings.storage.lake):
        raise RebuildError(
            "storage.lake is in Azure's storage, where two lakes can't change places in one step: set storage.lake to a "
            "new folder there and run `metrics-lake run`, which makes everything anew from landing and publishes what "
            "differs; then delete the old folder"
        )
    lake = Path(context.settings.storage.lake)
    building = lake.with_name(f"{lake.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    fresh = replace(context, settings=_with_lake(context.settings, building))
    with fresh.lock("rebuild"):
        first_seen.carry(context, fresh.checkpoints)
        carried = carry_erased.carry(context, fresh)
        done = run(fresh, accept_loss=True)  # what is lost was named above
        old = _set_aside(lake) if lake.exists() else None
        building.rename(lake)
    return Rebuilt(old, done.files, done.published, carried)


def _missing(context: JobContext) -> list[str]:
    """The ingested files that landing no longer has, and without which a rebuild would lose data."""
    try:
        return sorted({path for feed in FEEDS for path in missing_paths(context, feed)})
    except CheckpointError:
        return []


def _with_lake(settings: Settings, lake: Path) -> Settings:
    storage = settings.storage.model_copy(update={"lake": str(lake)})
    return settings.model_copy(update={"storage": storage})


def _set_aside(lake: Path) -> Path:
    number = 1
    while (aside := lake.with_name(f"{lake.name}.before-{number}")).exists():
        number += 1
    return lake.rename(aside)
