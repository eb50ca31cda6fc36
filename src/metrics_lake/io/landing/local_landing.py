"""Landing files in a folder of this machine: which there are, and what is new about one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from metrics_lake.io.storage.files import content_hash
from metrics_lake.sources.landed_file import FileEntry

UNFINISHED = (".tmp", ".part", ".partial", ".swp", "~")


class LandingError(Exception):
    """The landing folder can't be read; the message names it and the remedy."""


class LocalLanding:
    """The files below a folder, as Intake.plan asks for them."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def __str__(self) -> str:
        return str(self.root.resolve())

    def check(self, folder: str) -> None:
        """Raises LandingError where the folder of landing itself is missing."""
        if not self.root.is_dir():
            raise LandingError(
                f"no landing folder {self.root}: make it and put logs below {self.root}/{folder}, or set storage.landing"
            )

    def files(self, folder: str) -> Iterator[Path]:
        """Every file of a folder, in the order of their paths, but those that are hidden or still being written."""
        yield from sorted(_files(self.root / folder))

    def path(self, file: Path) -> str:
        """Where a file is below landing."""
        return file.relative_to(self.root).as_posix()

    def changed(
        self, file: Path, newest: dict[str, FileEntry], hashes: set[str], redact_path: Callable[[str], str]
    ) -> FileEntry | None:
        """The file's entry, if it is new or has new content."""
        try:
            status, name = file.stat(), redact_path(self.path(file))
        except FileNotFoundError:
            return None  # it was deleted while the folder was being listed, or it is a link to nowhere
        if not stat.S_ISREG(status.st_mode):
            return None
        modified = datetime.fromtimestamp(status.st_mtime, timezone.utc).isoformat()
        before = newest.get(name)
        if before and (before.size_bytes, before.modified_at) == (status.st_size, modified):
            return None
        content = content_hash(file)
        if before and before.content_hash == content:
            return None
        return FileEntry(name, status.st_size, content, modified, is_duplicate=content in hashes)

    def as_landed(self, file: Path, entry: FileEntry) -> FileEntry | None:
        """A version's entry as it can be read now; None where the file holds other bytes by now."""
        try:
            status = file.stat()
            modified = datetime.fromtimestamp(status.st_mtime, timezone.utc).isoformat()
            is_same = (status.st_size, modified) == (entry.size_bytes, entry.modified_at)
            if not is_same and (status.st_size != entry.size_bytes or content_hash(file) != entry.content_hash):
                return None
        except OSError:
            return None
        return replace(entry, modified_at=modified)

    def begins_with(self, file: Path, entry: FileEntry) -> bool:
        """Whether the file's first bytes are this version, to which it has been appended since."""
        try:
            return content_hash(file, entry.size_bytes) == entry.content_hash
        except OSError:
            return False


def _files(folder: Path) -> Iterator[Path]:
    """Every file of a tree, but those whose name says that they are still being written."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not is_unfinished(name))


def is_unfinished(name: str) -> bool:
    """Whether a file's name says that it is hidden or still being written."""
    return name.startswith(".") or name.endswith(UNFINISHED)


def unchanged(path: Path, entry: FileEntry) -> bool:
    """Whether a file exists and has the bytes that were read of it."""
    return path.is_file() and path.stat().st_size == entry.size_bytes and content_hash(path) == entry.content_hash
