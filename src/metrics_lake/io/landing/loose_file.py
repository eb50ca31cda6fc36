"""A log file anywhere on this machine, read as ingest reads a landing file, for commands that look before anything is ingested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from metrics_lake.config.settings import SettingsError
from metrics_lake.io.landing.byte_pieces import LandedFile
from metrics_lake.sources.file_content import as_utf8
from metrics_lake.sources.landed_file import FileEntry, UnreadableFile
from metrics_lake.sources.quarantine_reasons import explained


def file_at(path: Path) -> LandedFile:
    """The file as `parse` takes it. Raises SettingsError where it can't be opened."""
    try:
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None
    return LandedFile(str(path.parent), FileEntry(path.name, size, "", ""), 0, str)


def texts(file: LandedFile) -> Iterator[str]:
    """Its text in pieces that end where a line ends, without that end. Raises SettingsError where ingest would not read it."""
    try:
        for piece in as_utf8(file.pieces()):
            yield piece.decode("utf-8", errors="replace").replace("\0", "").removesuffix("\n")
    except UnreadableFile as error:
        raise SettingsError(f"{file.entry.path} can't be read: {explained(error.reason)}") from None
