"""A new checkpoint for a stream whose own is torn or lost: it begins behind the batches that bronze holds."""

from __future__ import annotations

from typing import Any

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.io.landing.intake import Intake
from metrics_lake.io.landing.manifest import Batch
from metrics_lake.jobs.context import JobContext
from metrics_lake.sources.landed_file import DUPLICATE, FileEntry

_COLUMNS = ("batch_number", "path", "size_bytes", "content_hash", "status")


def begin_again(work: JobContext, stream: Intake | None = None, feed: Any = bronze) -> int:
    """Puts the torn checkpoint of a feed aside; returns the number of the last batch that need not be read again."""
    held = _batches(work, feed)
    (stream or work.stream).begin_again(work.table_path(feed.TABLE), held)
    return max((batch.number for batch in held), default=0)


def _batches(work: JobContext, feed: Any) -> list[Batch]:
    """Every batch up to the newest that bronze holds, as its files' accounts tell them.

    When a file was changed isn't told there, so a later run looks at its content once more.
    """
    files = work.delta_tables.frame(feed.FILES, columns=_COLUMNS)
    entries: dict[int, list[FileEntry]] = {}
    for number, path, size, found, status in files.sort("batch_number", "path").rows():
        entries.setdefault(number, []).append(FileEntry(path, size, found, "", is_duplicate=status == DUPLICATE))
    root = work.settings.storage.landing
    return [Batch(number, root, tuple(entries.get(number, ())), {}) for number in range(1, max(entries, default=0) + 1)]
