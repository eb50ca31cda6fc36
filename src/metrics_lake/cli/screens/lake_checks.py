"""Checks of the doctor on what runs have written: checkpoint, manifest, tables, rollups. Each names its exact remedy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path, PurePath
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
from metrics_lake.model.feeds import Feed
from metrics_lake.privacy.redaction import without_addresses

_TOLERANCE = timedelta(minutes=5)
_MEND = "mend what it says"


@dataclass(frozen=True)
class Finding:
    """The result of one check: what was checked, its state, and what to do if it is wrong."""

    name: str
    is_right: bool
    state: str
    remedy: str = ""


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
        return Finding("checkpoint", False, error.problem, checkpoints.REMEDY)
    except (SettingsError, AzureError) as error:
        return Finding("checkpoint", False, str(error), _MEND)
    except (DeltaError, ValueError, OSError) as error:
        if refusal := trouble(error):
            return Finding("checkpoint", False, refusal, _MEND)
        return Finding("checkpoint", True, "not looked at, as bronze can't be read")
    waiting = f", {planned - done} batches to be ended by the next run" if planned > done else ""
    return Finding("checkpoint", True, f"{files} {feed.noun} in {planned} batches{waiting}" if planned else "")


def reading(settings: Settings) -> Finding:
    """Never wrong: how many files keep rows of earlier reading rules."""
    try:
        places = (f"{settings.storage.lake}/_checkpoints/{feed.checkpoint}" for feed in FEEDS)
        left = sum(read_again.left(blobs_in(place)) for place in places)
    except (SettingsError, AzureError, ValueError) as error:
        return Finding("reading", False, str(error), "metrics-lake ingest --again")
    return Finding("reading", True, f"{left} {LEFT}" if left else "every file by the rules of now")


def lake(settings: Settings) -> Finding:
    """Whether every table can be read: its log, and each file that the log names, at its full size."""
    count, place, raw = 0, settings.storage.lake, [feed.table for feed in FEEDS]
    for table in stored():
        folder = f"{place}/{table.path}"
        try:
            sizes = blobs_in(folder).sizes("")
            damage = _damage(folder, sizes)
        except (SettingsError, AzureError) as error:
            return Finding("lake", False, str(error), _MEND)
        if damage:
            removal = "delete that folder" if is_azure(place) else f"rm -r {folder}"
            remedy = "metrics-lake rebuild" if table in raw else f"{removal}, then metrics-lake run"
            return Finding("lake", False, f"{table.name}: {damage}", remedy)
        count += _is_table(sizes)
    return Finding("lake", True, f"{count} tables can be read" if count else f"nothing below {place} yet")


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


def rollups(settings: Settings) -> Finding:
    """Whether the index files of the rollups are complete."""
    place = settings.storage.rollups
    try:
        blobs = blobs_in(place)
        listing = [path for path in blobs.paths("") if path.startswith("_") or path.endswith("/index.json")]
        torn = next((path for path in listing if not _is_json(blobs.read(path))), None)
    except (SettingsError, AzureError) as error:
        return Finding("rollups", False, str(error), f"{_MEND}, then metrics-lake publish")
    if torn:
        remedy = "delete it" if is_azure(place) else f"rm {place}/{torn}"
        return Finding("rollups", False, f"{place}/{torn} is half-written", f"{remedy}, then metrics-lake publish")
    tenants = sum(path.endswith("/index.json") for path in listing)
    return Finding("rollups", True, f"{tenants} tenants published" if listing else "nothing yet")


def written_ahead(settings: Settings, now: datetime) -> str | None:
    """A file of this lake that, by this clock, was written in the future. Not for Azure, where the service's clock counts."""
    folder = Path(settings.storage.lake, "_checkpoints")
    for file in folder.glob("*/manifest/[0-9]*.json"):
        if datetime.fromtimestamp(file.stat().st_mtime, timezone.utc) > now + _TOLERANCE:
            return str(file)
    return None


def _is_json(content: bytes | None) -> bool:
    try:
        json.loads(content or b"")
    except ValueError:
        return False
    return True
