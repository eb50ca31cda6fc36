"""How a file is packed (gzip, zstd, xz, bzip2, also within each other), by its first bytes; and its content, unpacked.

Memory is bounded: every layer gives the next one as much as it asks for, whatever it unfolds to.
"""

from __future__ import annotations

import bz2
import io
import lzma
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Protocol, cast

import pyarrow as pa
from isal import igzip, isal_zlib

from metrics_lake.sources.file_content import HEAD_BYTES, refusal_of
from metrics_lake.sources.landed_file import UnreadableFile

PIECE_BYTES = 16 << 20
_STEP_BYTES = 1 << 18
_MOST_LAYERS = 5
_FREE_BYTES, _MOST_RATIO = 64 << 20, 1000  # a log shrinks to a tenth, or a hundredth; gzip can't do 1,033
_DICTIONARY_BYTES = 128 << 20  # xz -9 wants 65 MB, zstd --long 128 MB


class _Layer(io.RawIOBase):
    """A stream over bytes that a function gives: up to as many as it is asked for, none at the end."""

    def __init__(self, give: Callable[[int], bytes]) -> None:
        self._give = give

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._give(size)

    def readinto(self, buffer: Any) -> int:
        taken = self._give(len(buffer))
        buffer[: len(taken)] = taken
        return len(taken)


def is_packed(file: BinaryIO) -> bool:
    """Whether the file is packed in one of the ways that can be read."""
    return _codec(_head(file)) is not None


def unpacked(file: BinaryIO) -> Iterator[bytes]:
    """The text in a file, in pieces of some megabytes.

    Raises UnreadableFile: before the first piece if the content is no text or is packed in another way; where a layer is
    cut or damaged; and where it unfolds to more than any log does.
    """
    packed_size, stream = file.seek(0, io.SEEK_END), file
    file.seek(0)
    for _ in range(_MOST_LAYERS + 1):
        head = _read(stream, HEAD_BYTES)
        stream = cast(BinaryIO, _Layer(_rejoined(head, stream)))
        codec = _codec(head)
        if codec is None:
            yield from _checked(stream, packed_size)
            return
        stream = codec(stream)
    raise UnreadableFile("packed_too_often")


def _checked(stream: BinaryIO, packed_size: int) -> Iterator[bytes]:
    size = 0
    while piece := _read(stream, PIECE_BYTES):
        if not size and (reason := refusal_of(piece)):
            raise UnreadableFile(reason)
        size += len(piece)
        if size > max(_FREE_BYTES, _MOST_RATIO * packed_size):
            raise UnreadableFile("unpacks_to_too_much")
        yield piece


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(HEAD_BYTES)


def _read(stream: BinaryIO, size: int) -> bytes:
    """`size` bytes, fewer only at the end."""
    parts: list[bytes] = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _rejoined(head: bytes, stream: BinaryIO) -> Callable[[int], bytes]:
    """Reads a stream whose first bytes have been read already."""
    rest = io.BytesIO(head)
    return lambda size: rest.read(size) or stream.read(size)


class _Decoder(Protocol):
    """One stream of xz or bzip2, of which a file may have several."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _gzip(packed: BinaryIO) -> BinaryIO:
    file: Any = igzip.GzipFile(fileobj=packed)  # type: ignore[no-untyped-call]

    def read(size: int) -> bytes:
        try:
            return bytes(file.read(size))
        except EOFError:
            raise UnreadableFile("gzip_truncated") from None
        except _GZIP_ERRORS as error:
            if getattr(error, "errno", None):  # of the disk, not of the content
                raise
            is_behind = "Not a gzipped file" in str(error)
            raise UnreadableFile("gzip_trailing" if is_behind else "gzip_damaged") from None

    return cast(BinaryIO, _Layer(read))


_GZIP_ERRORS: tuple[type[Exception], ...] = (cast(type[Exception], isal_zlib.error), OSError, ValueError)


def _zstd(packed: BinaryIO) -> BinaryIO:
    file = pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), "zstd")

    def read(size: int) -> bytes:
        try:
            return bytes(file.read(size))
        except OSError as error:
            if error.errno:
                raise
            raise UnreadableFile(next(reason for text, reason in _ZSTD_ERRORS if text in str(error))) from None

    return cast(BinaryIO, _Layer(read))


_ZSTD_ERRORS = (
    ("Truncated", "zst_truncated"),
    ("Unknown frame descriptor", "zst_trailing"),
    ("too much memory", "packed_too_wide"),
    ("", "zst_damaged"),
)


def _streams(packed: BinaryIO, name: str, mark: bytes, decoder: Callable[[], _Decoder]) -> BinaryIO:
    """The content of streams of xz or bzip2 behind each other."""
    current, waiting = decoder(), b""

    def read(size: int) -> bytes:
        nonlocal current, waiting
        while True:
            if current.eof:
                waiting = _next_stream(current.unused_data, packed, name, mark)
                if not waiting:
                    return b""
                current = decoder()
            elif current.needs_input and not waiting and not (waiting := packed.read(_STEP_BYTES)):
                raise UnreadableFile(f"{name}_truncated")
            if taken := _taken(current, waiting, size, name):
                waiting = b""
                return taken
            waiting = b""

    return cast(BinaryIO, _Layer(read))


def _next_stream(rest: bytes, packed: BinaryIO, name: str, mark: bytes) -> bytes:
    """The first bytes of the next stream, behind zeros that may pad it; none at the end of the file."""
    while len(rest := rest.lstrip(b"\0")) < len(mark) and (more := packed.read(_STEP_BYTES)):
        rest += more
    if rest and not rest.startswith(mark):
        raise UnreadableFile(f"{name}_truncated" if mark.startswith(rest) else f"{name}_trailing")
    return rest


def _taken(decoder: _Decoder, waiting: bytes, size: int, name: str) -> bytes:
    try:
        return decoder.decompress(waiting, size)
    except (lzma.LZMAError, OSError, ValueError, EOFError) as error:
        raise UnreadableFile("packed_too_wide" if "limit" in str(error) else f"{name}_damaged") from None


def _xz(packed: BinaryIO) -> BinaryIO:
    return _streams(packed, "xz", _XZ, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_DICTIONARY_BYTES))


def _bzip2(packed: BinaryIO) -> BinaryIO:
    return _streams(packed, "bz2", b"BZh", bz2.BZ2Decompressor)


_XZ = b"\xfd7zXZ\0"
_SKIPPABLE = tuple(bytes((0x50 + number,)) + b"\x2a\x4d\x18" for number in range(16))
_CODECS: tuple[tuple[tuple[bytes, ...], Callable[[BinaryIO], BinaryIO]], ...] = (
    ((b"\x1f\x8b",), _gzip),
    ((b"\x28\xb5\x2f\xfd", *_SKIPPABLE), _zstd),
    ((_XZ,), _xz),
    (tuple(f"BZh{level}".encode() + block for level in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90")), _bzip2),
)


def _codec(head: bytes) -> Callable[[BinaryIO], BinaryIO] | None:
    return next((codec for marks, codec in _CODECS if head.startswith(marks)), None)
