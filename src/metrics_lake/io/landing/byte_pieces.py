"""The bytes of a landing file on a disk, unpacked, in pieces that end where a line ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from metrics_lake.io.landing.passed_over import is_passed_over
from metrics_lake.sources.landed_file import FileEntry, UnreadableFile

LONGEST_LINE = 32 << 20
_KEPT_BYTES = 64 << 20  # a packed file that unfolds to no more stays in memory, unpacked


@dataclass(frozen=True)
class LandedFile:
    """A file of a batch on a local disk."""

    root: str
    entry: FileEntry
    batch_number: int
    redact_path: Callable[[str], str]

    @cached_property
    def true_path(self) -> str:
        """See InputFile.true_path: where a part holds a mark, it is the one that would be redacted to that."""
        place = Path(self.root)
        for part in self.entry.path.split("/"):
            alike = (
                (path.name for path in place.iterdir() if self.redact_path(path.name) == part) if "<" in part else ()
            )
            place /= next(iter(alike), part)
        return place.relative_to(self.root).as_posix()

    def pieces(self) -> Iterator[bytes]:
        """See InputFile.pieces."""
        is_begun = False
        try:
            with Path(self.root, self.true_path).open("rb") as file:
                for piece in line_pieces(file):
                    yield piece
                    is_begun = True
        except OSError as error:
            if is_begun:
                raise  # its lines are taken: the batch has to be read again
            raise UnreadableFile(reason_of(error)) from None

    def before(self) -> LandedFile | None:
        """See InputFile.before."""
        try:
            path = Path(self.root, self.true_path)
            files = (file for file in path.parent.iterdir() if file.name < path.name and not is_passed_over(file.name))
            previous = max((file for file in files if file.is_file()), default=None)
            size = previous.stat().st_size if previous else 0
        except OSError:
            return None
        if previous is None:
            return None
        return replace(
            self, entry=FileEntry(self.redact_path(previous.relative_to(self.root).as_posix()), size, "", "")
        )


def reason_of(error: OSError) -> str:
    """Why a file of this machine can't be read."""
    if isinstance(error, FileNotFoundError):
        return "vanished"
    return "not_permitted" if isinstance(error, PermissionError) else "not_readable"


def line_pieces(file: BinaryIO) -> Iterator[bytes]:
    """The text in a file, packed or not, in pieces that end where a line ends. UnreadableFile comes before the first piece.

    A packed file is unpacked to its end before its first line is taken, since a cut shows only there. What it unfolds to
    is kept if it is not much, else unpacked a second time.
    """
    from metrics_lake.io.landing.packing import is_packed, unpacked

    if not is_packed(file):
        return whole_lines(unpacked(file))
    kept, size = list[bytes](), 0
    for piece in unpacked(file):
        size += len(piece)
        if size <= _KEPT_BYTES:
            kept.append(piece)
        else:
            kept.clear()
    return whole_lines(iter(kept) if size <= _KEPT_BYTES else unpacked(file))


def whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, each piece but the last ending where a line ends. Of a line beyond `LONGEST_LINE` the end is left
    out: no line of a log is a thousandth of that, and it would have to be kept in memory.
    """
    parts, size = list[bytes](), 0
    for piece in pieces:
        head, newline, tail = piece.rpartition(b"\n")
        if newline:
            yield b"".join((*parts, head, newline))
            parts, size = [], 0
        parts.append(tail[: LONGEST_LINE - size])
        size += len(parts[-1])
    if rest := b"".join(parts):
        yield rest
