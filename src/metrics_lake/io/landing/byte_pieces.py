"""The bytes of a landing file on a disk, unpacked, in pieces that end where a line ends."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from isal import igzip, isal_zlib

from metrics_lake.sources.landed_file import FileEntry, UnreadableFile

GZIP = b"\x1f\x8b"
PIECE_BYTES = 16 << 20
_WHOLE_BYTES = 8 << 20  # packed files up to this size are unpacked in memory, larger ones are checked and read again


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
        try:
            path = Path(self.root, self.true_path)
            with path.open("rb") as file:
                is_packed = file.read(2) == GZIP
            if not is_packed and path.suffix == ".gz" and path.stat().st_size:
                raise UnreadableFile("not_gzip")
            yield from whole_lines(self._unpacked(path)) if is_packed else whole_lines(_read(path))
        except FileNotFoundError:
            raise UnreadableFile("vanished") from None
        except PermissionError:
            raise UnreadableFile("not_permitted") from None

    def before(self) -> LandedFile | None:
        """See InputFile.before."""
        from metrics_lake.io.landing.local_landing import is_unfinished

        try:
            path = Path(self.root, self.true_path)
            files = (file for file in path.parent.iterdir() if file.name < path.name and not is_unfinished(file.name))
            previous = max((file for file in files if file.is_file()), default=None)
            size = previous.stat().st_size if previous else 0
        except OSError:
            return None
        if previous is None:
            return None
        return replace(
            self, entry=FileEntry(self.redact_path(previous.relative_to(self.root).as_posix()), size, "", "")
        )

    def _unpacked(self, path: Path) -> Iterator[bytes]:
        if self.entry.size_bytes <= _WHOLE_BYTES:
            content = _unpack(path.read_bytes())
            return iter([content])
        for _ in _unpack_stream(path):
            pass  # a cut or damaged file shows before its first line is taken
        return _unpack_stream(path)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _unpack(content: bytes) -> bytes:
    return b"".join(unpacked_pieces(io.BytesIO(content)))


def _unpack_stream(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from unpacked_pieces(file)


def unpacked_pieces(file: Any) -> Iterator[bytes]:
    try:
        with igzip.GzipFile(fileobj=file) as unpacked:  # type: ignore[no-untyped-call]
            while piece := unpacked.read(PIECE_BYTES):
                yield piece
    except EOFError:
        raise UnreadableFile("gzip_truncated") from None
    except (igzip.BadGzipFile, OSError, ValueError):
        raise UnreadableFile("gzip_damaged") from None
    except isal_zlib.error:  # type: ignore[misc]
        raise UnreadableFile("gzip_damaged") from None


def whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, each piece but the last ending where a line ends."""
    rest = b""
    for piece in pieces:
        head, newline, tail = (rest + piece).rpartition(b"\n")
        rest = tail
        if newline:
            yield head + newline
    if rest:
        yield rest
