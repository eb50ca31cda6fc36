"""What only the old lake knows when a new one is rebuilt from landing: when each report was first seen, and what is missing.

Where a report's name has no stamp, its age follows from the time at which it was first seen. A copy of landing has other
times.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import polars as pl

from metrics_lake.bronze import store_reports as bronze
from metrics_lake.io.landing.intake import landing_at
from metrics_lake.io.storage.blobs import blobs_in
from metrics_lake.jobs import refine_downloads
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.feeds import Feed
from metrics_lake.silver import reports_that_count
from metrics_lake.sources.landed_file import FileEntry

_NAME = "reports_first_seen.json"
_COLUMNS = ("path", "content_hash", "written_at", "is_stamped", "row_count")


def carry(old: JobContext, checkpoints: str) -> None:
    """Writes the times of an old lake for a new one: of each path and content, and of each content with rows."""
    files = old.delta_tables.frame(bronze.FILES, columns=_COLUMNS)
    times = files.with_columns(
        seen_at=pl.col("written_at").dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f%z")
    )
    plain = (
        times.filter(~pl.col("is_stamped").fill_null(False))
        .group_by("path", "content_hash")
        .agg(pl.col("seen_at").min())
    )
    by_content = times.filter(pl.col("row_count") > 0).group_by("content_hash").agg(pl.col("seen_at").min())
    paths: dict[str, dict[str, str]] = {}
    for path, content_hash, at in plain.rows():
        paths.setdefault(path, {})[content_hash] = at
    content = {"paths": paths, "contents": dict(by_content.rows())}
    blobs_in(checkpoints).write(_NAME, json.dumps(content).encode())


def carried(checkpoints: str) -> Callable[[FileEntry], FileEntry]:
    """Gives a new file the time at which an older lake saw it first, if one did."""
    times = json.loads(blobs_in(checkpoints).read(_NAME) or b"{}")
    paths, contents = times.get("paths", {}), times.get("contents", {})

    def dated(entry: FileEntry) -> FileEntry:
        at = paths.get(entry.path, {}).get(entry.content_hash) or contents.get(entry.content_hash)
        return replace(entry, seen_at=at) if at else entry

    return dated


def missing_paths(context: JobContext, feed: Feed) -> set[str]:
    """The paths of a feed's ingested files that landing no longer has, or has in a way that can't be read."""
    intake = context.intake(feed)
    ingested = {entry.path for entry in intake.manifest.entries()}
    return ingested - intake.readable(landing_at(context.settings.storage.landing))


def missing_reports(context: JobContext) -> set[str]:
    """The paths of reports that still count and whose content landing no longer has."""
    intake = context.intake(bronze.FEED)
    versions = intake.landed_versions(landing_at(context.settings.storage.landing))
    landed, through = {(path, content[:16]) for path, content in versions.items()}, intake.committed
    named, missing = refine_downloads.named_apps(refine_downloads.apps_of(context)), set[str]()
    for month in refine_downloads.months_in(context):
        counting = reports_that_count.counting(refine_downloads.reports_of(context, month, through), named)
        missing |= set(reports_that_count.lost(counting, landed))
    return missing
