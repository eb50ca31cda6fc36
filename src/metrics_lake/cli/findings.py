"""What the doctor finds in what runs have written: checkpoint, manifest, tables, rollups; each with its exact remedy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from metrics_lake.azure_places import is_azure
from metrics_lake.bronze import haproxy as bronze
from metrics_lake.catalog import stored
from metrics_lake.io import checkpoints
from metrics_lake.io.azure import AzureError
from metrics_lake.io.blobs import blobs_in
from metrics_lake.io.checkpoints import CheckpointError
from metrics_lake.io.stream import Stream
from metrics_lake.names import without_addresses
from metrics_lake.settings import Settings, SettingsError

_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, what was found, and what to do if it is wrong."""

    thing: str
    is_right: bool
    found: str
    remedy: str = ""


def checkpoint(settings: Settings) -> Finding:
    """Whether the next ingest can go on where the last one ended."""
    folder = Path(settings.storage.lake, "_checkpoints", "ingest_haproxy")
    stream = Stream(bronze, folder, without_addresses)
    try:
        stream.check(f"{settings.storage.lake}/{bronze.TABLE.path}")
        files, planned, done = len(stream.manifest.entries()), stream.manifest.last_number, stream.committed
    except CheckpointError as error:
        return Finding("checkpoint", False, error.found, checkpoints.REMEDY)
    except (DeltaError, ValueError):
        return Finding("checkpoint", True, "not looked at, as bronze can't be read")
    waiting = f", {planned - done} batches to be ended by the next run" if planned > done else ""
    return Finding("checkpoint", True, f"{files} files in {planned} batches{waiting}")


def lake(settings: Settings) -> Finding:
    """Whether every table can be read: its log, and each file that the log names, in full length."""
    held = 0
    for table in stored():
        place = Path(settings.storage.lake, table.path)
        if not (place / "_delta_log").is_dir():
            continue
        harm = _harm(place)
        if harm:
            remedy = "metrics-lake rebuild" if table is bronze.TABLE else f"rm -r {place}, then metrics-lake run"
            return Finding("lake", False, f"{table.name}: {harm}", remedy)
        held += 1
    found = f"{held} tables can be read" if held else f"nothing below {settings.storage.lake} yet"
    return Finding("lake", True, found)


def _harm(place: Path) -> str | None:
    try:
        named = pl.DataFrame(DeltaTable(str(place)).get_add_actions(flatten=True)).select("path", "size_bytes")
    except (DeltaError, ValueError, OSError):
        return "its log can't be read"
    for path, size in named.rows():
        file = place / unquote(path)
        if not file.exists():
            return f"{file.name} is missing"
        if file.stat().st_size != size:
            return f"{file.name} has {file.stat().st_size} bytes instead of {size}"
    return None


def rollups(settings: Settings) -> Finding:
    """Whether the blobs that tell of others are whole."""
    place = settings.storage.rollups
    try:
        blobs = blobs_in(place)
        listing = [path for path in blobs.paths("") if path.startswith("_") or path.endswith("/index.json")]
        torn = next((path for path in listing if not _is_json(blobs.read(path))), None)
    except (SettingsError, AzureError) as error:
        return Finding("rollups", False, str(error), "mend it, then metrics-lake publish")
    if torn:
        remedy = "delete it" if is_azure(place) else f"rm {place}/{torn}"
        return Finding("rollups", False, f"{place}/{torn} is half-written", f"{remedy}, then metrics-lake publish")
    return Finding("rollups", True, f"{max(0, len(listing) - 1)} tenants published" if listing else "nothing yet")


def written_ahead(settings: Settings, now: datetime) -> str | None:
    """A file of ours that was written later than now, if the clock says so."""
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
