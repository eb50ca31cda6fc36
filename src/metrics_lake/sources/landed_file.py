"""A file that arrived, as a source sees it: who it is, and its bytes in pieces. Where it lies is io's affair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

READ, EMPTY, DUPLICATE, QUARANTINED = "read", "empty", "duplicate", "quarantined"


class UnreadableFile(Exception):
    """A file can't be read as a whole; `reason` is a word for the quarantine, without any of its content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class FileEntry:
    """One version of one landing file, as the manifest knows it.

    `path` is relative to landing, with marks for addresses (names.Names); `content_hash` is SHA-256 in hex;
    `is_duplicate` says that the same bytes came before under another name; `etag` names the version in Azure's storage;
    `seen_at` says when its content was first seen, where an older lake knew it.
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
    """What a source is given for each file."""

    @property
    def entry(self) -> FileEntry: ...

    @property
    def batch_number(self) -> int: ...

    @property
    def true_path(self) -> str:
        """Where it lies below landing, marks undone: to be looked at, never to be written."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """The unpacked bytes, in pieces of some megabytes that end at a line's end (the last may not).

        Raises UnreadableFile before the first piece if any part of the file can't be unpacked.
        """
        ...

    def before(self) -> InputFile | None:
        """The file before it in its folder, in the order of their names, if landing has one."""
        ...
