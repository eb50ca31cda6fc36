"""Checks of the doctor on what runs have written: checkpoint, manifest, tables. Each names its exact remedy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path, PurePath
from shlex import quote
from urllib.parse import unquote

import polars as pl
from deltalake.exceptions import DeltaError

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.catalog import stored
from metrics_lake.cli.screens.read_again_notes import LEFT
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.lake import delta
from metrics_lake.io.landing import checkpoints
from metrics_lake.io.landing.checkpoints import CheckpointError
from metrics_lake.io.landing.intake import Intake
from metrics_lake.io.storage.azure import AzureError, trouble
from metrics_lake.io.storage.blobs import blobs_in
from metrics_lake.jobs import read_again
from metrics_lake.jobs.publish import plan
from metrics_lake.jobs.stages import STAGES, Stages
from metrics_lake.model.feeds import Feed
from metrics_lake.privacy.redaction import without_addresses
from metrics_lake.silver import sessions

_TOLERANCE = timedelta(minutes=5)
_MEND = "mend what it says"
INGEST, RUN, REBUILD = ("metrics-lake ingest",), ("metrics-lake run",), ("metrics-lake rebuild",)


@dataclass(frozen=True)
class Finding:
    """The result of one check: what was checked, its state, and what to do if it is wrong.

    `commands` repair it, one after the other, as a shell takes them; `remedy` is for what no command can do.
    """

    name: str
    is_right: bool
    state: str
    remedy: str = ""
    commands: tuple[str, ...] = ()


def checkpoint(settings: Settings) -> Finding:
    """Whether the next ingest of every feed can continue where the last one ended."""
    findings = [_checkpoint_of(settings, feed) for feed in FEEDS]
    if wrong := next((finding for finding in findings if not finding.is_right), None):
        return wrong
    states = dict.fromkeys(finding.state for finding in findings if finding.state)
    return Finding("checkpoint", True, "; ".join(states) or "0 files in 0 batches")


def _checkpoint_of(settings: Settings, feed: Feed) -> Finding:
    """The result for one feed; its state is empty where the feed has no batch yet."""
    intake = Intake(feed, f"{settings.storage.lake}/_checkpoints/{feed.checkpoint}", without_addresses)
    try:
        intake.check(f"{settings.storage.lake}/{feed.table.path}")
        files, planned, done = len(intake.manifest.entries()), intake.manifest.last_number, intake.committed
    except CheckpointError as error:
        return Finding("checkpoint", False, error.problem, commands=(checkpoints.REMEDY,))
    except (SettingsError, AzureError) as error:
        return Finding("checkpoint", False, str(error), _MEND)
    except (DeltaError, ValueError, OSError) as error:
        if refusal := trouble(error):
            return Finding("checkpoint", False, refusal, _MEND)
        return Finding("checkpoint", True, "not looked at, as bronze can't be read")
    waiting = f", {planned - done} batches to be ended by the next run" if planned > done else ""
    return Finding("checkpoint", True, f"{files} {feed.noun} in {planned} batches{waiting}" if planned else "")


def reading(settings: Settings) -> Finding:
    """How many files keep rows of earlier reading rules: wrong only where that can't be known."""
    try:
        places = (f"{settings.storage.lake}/_checkpoints/{feed.checkpoint}" for feed in FEEDS)
        left = sum(read_again.left(blobs_in(place)) for place in places)
    except (SettingsError, AzureError) as error:
        return Finding("reading", False, str(error), _MEND)
    except ValueError:
        return Finding("reading", False, "the note of the rules that files were read by is torn", commands=INGEST)
    return Finding("reading", True, f"{left} {LEFT}" if left else "every file by the rules of now")


def lake(settings: Settings) -> Finding:
    """Whether every table is there and can be read: its log, and each file that the log names, at its full size."""
    place, raw, present = settings.storage.lake, [feed.table for feed in FEEDS], set[str]()
    for table in stored():
        folder = f"{place}/{table.path}"
        try:
            sizes = blobs_in(folder).sizes("")
            damage = _damage(folder, sizes)
        except (SettingsError, AzureError) as error:
            return Finding("lake", False, str(error), _MEND)
        if damage:
            state = f"{table.name}: {damage}"
            if table not in raw and is_azure(place):
                return Finding("lake", False, state, "delete that folder, then metrics-lake run")
            commands = REBUILD if table in raw else (f"rm -r {quote(folder)}", *RUN)
            return Finding("lake", False, state, commands=commands)
        if _is_table(sizes):
            present.add(table.name)
    return _lost(settings, present) or Finding(
        "lake", True, f"{len(present)} tables can be read" if present else f"nothing below {place} yet"
    )


def _lost(settings: Settings, present: set[str]) -> Finding | None:
    """The finding of a table that is gone although others were made from it, or with it."""
    for stages in STAGES:
        derived = [stages.table.name, *(f"gold.{metric}" for metric in stages.metrics)]
        lost = [name for name in derived if name not in present]
        if len(lost) < len(derived) and stages.feed.table.name not in present:
            return Finding("lake", False, f"{stages.feed.table.name} is lost", commands=REBUILD)
        if lost and (
            len(lost) < len(derived) or (stages.feed.table.name in present and _is_published(settings, stages))
        ):
            return Finding("lake", False, f"{lost[0]} is lost", commands=RUN)
    return None


def _is_published(settings: Settings, stages: Stages) -> bool:
    """Whether figures of these stages were ever published."""
    key = plan.GOLD if stages.table is sessions.TABLE else plan.DOWNLOADS
    try:
        return int(plan.last_note(blobs_in(settings.storage.rollups)).get(key, -1)) >= 0
    except (SettingsError, AzureError):
        return False


def _is_table(sizes: dict[str, int]) -> bool:
    return any(path.startswith("_delta_log/") for path in sizes)


def _damage(place: str, sizes: dict[str, int]) -> str | None:
    """What is wrong with a table, given the files in its folder and their sizes. None if nothing is."""
    if not _is_table(sizes):
        return None
    try:
        table = delta.opened(place)
        named = pl.DataFrame(table.get_add_actions(flatten=True)).select("path", "size_bytes") if table else None
    except (DeltaError, ValueError, OSError) as error:
        return trouble(error) or "its log can't be read"
    for path, size in named.rows() if named is not None else ():
        actual = sizes.get(unquote(path), sizes.get(path))
        if actual is None:
            return f"{PurePath(path).name} is missing"
        if actual != size:
            return f"{PurePath(path).name} has {actual} bytes instead of {size}"
    return None


def written_ahead(settings: Settings, now: datetime) -> str | None:
    """A file of this lake that, by this clock, was written in the future. Not for Azure, where the service's clock counts."""
    folder = Path(settings.storage.lake, "_checkpoints")
    for file in folder.glob("*/manifest/[0-9]*.json"):
        if datetime.fromtimestamp(file.stat().st_mtime, timezone.utc) > now + _TOLERANCE:
            return str(file)
    return None
