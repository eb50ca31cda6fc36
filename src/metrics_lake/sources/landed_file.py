"""A landed file as a source sees it: its manifest entry and its bytes in pieces. Where it is stored is known to io alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

READ, EMPTY, DUPLICATE, QUARANTINED = "read", "empty", "duplicate", "quarantined"


class UnreadableFile(Exception):
    """The whole file can't be read. `reason` is the word for the quarantine; it has none of the file's content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class FileEntry:
    """One version of one landing file, as recorded in the manifest.

    `path` is relative to landing, with addresses redacted (privacy/redaction.py); `content_hash` is SHA-256 in hex;
    `is_duplicate` means that the same bytes came earlier under another name; `etag` is the version in Azure's storage;
    `seen_at` is when its content was first seen, if an older lake recorded it.
    """

    path: str
    size_bytes: int
    content_hash: str
    modified_at: str
    is_duplicate: bool = False
    etag: str = ""
    seen_at: str = ""

    @property
    def file_id(self) -> str:
        return self.content_hash[:16]


class InputFile(Protocol):
    """One file as it is passed to `parse`."""

    @property
    def entry(self) -> FileEntry: ...

    @property
    def batch_number(self) -> int: ...

    @property
    def true_path(self) -> str:
        """Its real path below landing, not redacted: it may be read and must never be written."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """The unpacked bytes in pieces of a few megabytes. Each piece ends with a line end; the last one may not.

        Raises UnreadableFile before the first piece if any part of the file can't be unpacked.
        """
        ...

    def before(self) -> InputFile | None:
        """The previous file of its folder in the order of names; None if landing has none."""
        ...
