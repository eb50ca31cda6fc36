"""Contents of landing files that bronze has rows of, and whether landing still has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from metrics_lake.io.landing.intake import LandingFolder, landing_at
from metrics_lake.io.landing.manifest import Batch
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.feeds import Feed
from metrics_lake.sources.landed_file import READ, FileEntry

_COLUMNS = (
    "path", "file_id", "content_hash", "size_bytes", "status", "batch_number", "first_logged_at", "last_logged_at",
)  # fmt: skip


@dataclass
class Content:
    """A content that bronze has rows of, under all names that it came by."""

    file_id: str
    entries: list[FileEntry] = field(default_factory=list)  # of each name, oldest first
    read: set[str] = field(default_factory=set)  # names under which it was read, and is no copy
    batches: set[int] = field(default_factory=set)
    days: set[date] = field(default_factory=set)  # the first and the last of its lines


def contents_of(context: JobContext, feed: Feed, batches: Iterable[Batch]) -> dict[str, Content]:
    """Every content that bronze has, by its file_id, in the order in which they came."""
    known = {(entry.path, entry.file_id): entry for batch in batches for entry in batch.entries}
    files = context.delta_tables.frame(feed.files, None, _COLUMNS).unique().sort("batch_number", "path")
    contents: dict[str, Content] = {}
    for path, file_id, content_hash, size, status, batch, first_at, last_at in files.iter_rows():
        content = contents.setdefault(file_id, Content(file_id))
        content.entries.append(known.get((path, file_id)) or FileEntry(path, size, content_hash, ""))
        content.batches.add(batch)
        content.days |= {instant.date() for instant in (first_at, last_at) if instant}
        content.read |= {path} if status == READ else set()
    return contents


@dataclass(frozen=True)
class Landed:
    """The files of a feed in landing by their paths as the manifest writes them, and the newest version of each."""

    landing: LandingFolder
    files: dict[str, Any]
    newest: dict[str, FileEntry]

    @classmethod
    def listed(cls, context: JobContext, feed: Feed, batches: Iterable[Batch]) -> Landed:
        landing = landing_at(context.settings.storage.landing)
        files = context.intake(feed).landed(landing)
        newest = {entry.path: entry for batch in batches for entry in batch.entries if entry.path in files}
        return cls(landing, files, newest)

    def entries(self, content: Content) -> tuple[FileEntry, ...]:
        """The content's files in landing, of which all but those that were read are copies; none where one of several that were
        read is gone. Where the only one that was read is gone, one of its copies takes its place.
        """
        entries = {entry.path: entry for entry in content.entries if entry.path in self.files}
        there = [now for path, entry in entries.items() if (now := self.landing.as_landed(self.files[path], entry))]
        read = content.read & {entry.path for entry in there}
        if there and len(content.read) == 1 and not read:
            read = {there[0].path}
        if read < content.read and len(content.read) > 1:
            return ()
        return tuple(replace(entry, is_duplicate=bool(content.read) and entry.path not in read) for entry in there)

    def grown(self, content: Content) -> FileEntry | None:
        """The version of now of a file to which lines were appended: it holds all of this content, which needs no rows any more."""
        grown = next((self.newest[entry.path] for entry in content.entries if entry.path in self.newest), None)
        if grown is None or not self.landing.begins_with(self.files[grown.path], content.entries[-1]):
            return None
        return self.landing.as_landed(self.files[grown.path], grown)
