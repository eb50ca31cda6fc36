"""Landing files in a folder of this machine: which there are, and what is new about one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from metrics_lake.io.landing.byte_pieces import reason_of
from metrics_lake.io.landing.passed_over import is_passed_over
from metrics_lake.io.storage.files import content_hash
from metrics_lake.sources.landed_file import FileEntry

_GONE = (errno.ENOENT, errno.ELOOP)


class LandingError(Exception):
    """The landing folder can't be read; the message names it and the remedy."""


class LocalLanding:
    """The files below a folder, as Intake.plan asks for them."""

    def __init__(self, root: str | Path) -> None:
        self.root, self.put_off = Path(root), dict[str, str]()
        self._unlisted: list[Path] = []

    def __str__(self) -> str:
        return str(self.root.resolve())

    def check(self, folder: str) -> None:
        """Raises LandingError where the folder of landing itself is missing, or is a file."""
        if self.root.is_file():
            raise LandingError(f"{self.root} is a file and no landing folder: set storage.landing to a folder")
        if not self.root.is_dir():
            raise LandingError(
                f"no landing folder {self.root}: make it and put logs below {self.root}/{folder}, or set storage.landing"
            )

    def files(self, folder: str) -> Iterator[Path]:
        """Every file of a folder, in the order of their paths, but those that are hidden or still being written."""
        yield from sorted(_files(self.root / folder, self._unlisted))

    def path(self, file: Path) -> str:
        """Where a file is below landing."""
        return file.relative_to(self.root).as_posix()

    def changed(
        self, file: Path, newest: dict[str, FileEntry], hashes: set[str], redact_path: Callable[[str], str]
    ) -> FileEntry | None:
        """The file's entry, if it is new or has new content. A file that can't be read is `put_off`."""
        try:
            return self._changed(file, newest, hashes, redact_path(self.path(file)))
        except OSError as error:
            if error.errno in _GONE:
                return None  # it was deleted while the folder was being listed, or it is a link to nowhere
            self.put_off[redact_path(self.path(file))] = reason_of(error)
            return None

    def end_plan(self, redact_path: Callable[[str], str]) -> None:
        """Adds the folders that could not be listed to `put_off`."""
        self.put_off |= {f"{redact_path(self.path(folder))}/": "not_permitted" for folder in self._unlisted}

    def refusal(self, file: Path) -> str | None:
        """Why a file can't be read, as far as its rights tell; None if it can."""
        try:
            file.stat()
        except OSError as error:
            return None if error.errno in _GONE else reason_of(error)
        return None if os.access(file, os.R_OK) else "not_permitted"

    def _changed(self, file: Path, newest: dict[str, FileEntry], hashes: set[str], name: str) -> FileEntry | None:
        status = file.stat()
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


def _files(folder: Path, unlisted: list[Path]) -> Iterator[Path]:
    """Every file of a tree, but those whose name says that they are no data, or still being written."""

    def note(error: OSError) -> None:
        if isinstance(error, PermissionError):
            unlisted.append(Path(error.filename))

    for place, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not is_passed_over(name))


def unchanged(path: Path, entry: FileEntry) -> bool:
    """Whether a file exists and has the bytes that were read of it; one that can't be read may be another."""
    try:
        return path.is_file() and path.stat().st_size == entry.size_bytes and content_hash(path) == entry.content_hash
    except OSError:
        return False
