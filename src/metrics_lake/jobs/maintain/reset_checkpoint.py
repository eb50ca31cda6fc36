"""A new checkpoint for a feed whose own is torn or lost: it starts after the batches that bronze contains."""

from __future__ import annotations

from metrics_lake.io.landing.manifest import Batch
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.feeds import Feed
from metrics_lake.sources.landed_file import DUPLICATE, FileEntry

_COLUMNS = ("batch_number", "path", "size_bytes", "content_hash", "status")


def reset_checkpoint(context: JobContext, feed: Feed) -> int:
    """Puts a feed's torn checkpoint aside and starts a new one. Returns the number of the last batch that is in bronze."""
    batches = _batches(context, feed)
    context.intake(feed).reset_checkpoint(context.table_path(feed.table), batches)
    return max((batch.number for batch in batches), default=0)


def _batches(context: JobContext, feed: Feed) -> list[Batch]:
    """Every batch up to the newest in bronze, from the accounts of its files.

    An account doesn't say when its file was changed, so a later run reads the file's content once more.
    """
    files = context.delta_tables.frame(feed.files, columns=_COLUMNS)
    entries: dict[int, list[FileEntry]] = {}
    for number, path, size, content, status in files.unique().sort("batch_number", "path").rows():
        entries.setdefault(number, []).append(FileEntry(path, size, content, "", is_duplicate=status == DUPLICATE))
    root = context.settings.storage.landing
    return [Batch(number, root, tuple(entries.get(number, ())), {}) for number in range(1, max(entries, default=0) + 1)]
