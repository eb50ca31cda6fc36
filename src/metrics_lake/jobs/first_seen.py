"""When each report was first seen, carried from a lake into the one that is rebuilt from the same landing.

Where a report's name has no stamp, how new it is rests on that time. A copy of landing has other times, and the lake that
stands is the only one that knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import polars as pl

from metrics_lake.bronze import store_reports as bronze
from metrics_lake.io.storage.blobs import blobs_in
from metrics_lake.jobs import refine_downloads
from metrics_lake.jobs.context import JobContext
from metrics_lake.silver import reports_that_count
from metrics_lake.sources.landed_file import FileEntry

_NAME = "reports_first_seen.json"
_COLUMNS = ("path", "content_hash", "written_at", "is_stamped", "row_count")


def carry(old: JobContext, checkpoints: str) -> None:
    """Writes down for a new lake what the old one knows: of each path and content, and of each content with rows."""
    files = old.delta_tables.frame(bronze.FILES, columns=_COLUMNS)
    times = files.with_columns(
        seen_at=pl.col("written_at").dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f%z")
    )
    plain = (
        times.filter(~pl.col("is_stamped").fill_null(False))
        .group_by("path", "content_hash")
        .agg(pl.col("seen_at").min())
    )
    told = times.filter(pl.col("row_count") > 0).group_by("content_hash").agg(pl.col("seen_at").min())
    paths: dict[str, dict[str, str]] = {}
    for path, content, at in plain.rows():
        paths.setdefault(path, {})[content] = at
    held = {"paths": paths, "contents": dict(told.rows())}
    blobs_in(checkpoints).write(_NAME, json.dumps(held).encode())


def carried(checkpoints: str) -> Callable[[FileEntry], FileEntry]:
    """What gives a new file the time at which an older lake had first seen it, if one had."""
    held = json.loads(blobs_in(checkpoints).read(_NAME) or b"{}")
    paths, contents = held.get("paths", {}), held.get("contents", {})

    def dated(entry: FileEntry) -> FileEntry:
        at = paths.get(entry.path, {}).get(entry.content_hash) or contents.get(entry.content_hash)
        return replace(entry, seen_at=at) if at else entry

    return dated


def lost(
    work: JobContext, through: int, apps: list[tuple[str, str, str, str | None]], held: dict[str, str]
) -> list[str]:
    """The paths of reports that still count and whose content isn't in landing any more; `held` is what is there."""
    there = {(path, content[:16]) for path, content in held.items()}
    named, gone = refine_downloads.named_apps(apps), set[str]()
    for month in refine_downloads.months_in(work):
        found = reports_that_count.counting(refine_downloads.reports_of(work, month, through), named)
        gone |= set(reports_that_count.lost(found, there))
    return sorted(gone)
