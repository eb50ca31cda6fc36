"""Recognises packed files by their first bytes, and unpacks each into streams that can be searched."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar, cast

import pyarrow as pa

Unpack = Callable[[BinaryIO], Iterator[tuple[str, BinaryIO]]]
DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    struct.error,
    pa.ArrowException,
    sqlite3.Error,
    RuntimeError,
)
T = TypeVar("T")
_XERIAL = b"\x82SNAPPY\x00"
_LZ4_BLOCK = b"LZ4Block"


class Damaged(Exception):
    """Data that can't be unpacked any further. The message names the error's class, never a piece of the data."""


def guarded(items: Iterator[T]) -> Iterator[T]:
    """The same items. Errors that damaged data raises become Damaged, so that a bug of ours is not taken for damage."""
    try:
        yield from items
    except DAMAGED as error:
        raise Damaged(type(error).__name__) from None


class Blocks(io.RawIOBase):
    """A stream over blocks that are unpacked one after the other."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = block
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def unpacker(head: bytes) -> Unpack | None:
    """How a stream that starts with these bytes unpacks; None where it is packed in nothing known."""
    return next((unpack for magic, unpack in _BY_MAGIC if head.startswith(magic)), None)


def _gzip(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    yield "gzip", cast(BinaryIO, gzip.GzipFile(fileobj=file))


def _bzip2(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    yield "bzip2", cast(BinaryIO, bz2.BZ2File(file))


def _xz(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    yield "xz", cast(BinaryIO, lzma.LZMAFile(file))


def _zstd(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    yield "zstd", pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


def _lz4_frame(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    yield "lz4", pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "lz4")


def _lz4_block(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    yield "lz4 blocks", cast(BinaryIO, io.BufferedReader(Blocks(_lz4_blocks(file))))


def _snappy(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    yield "snappy", cast(BinaryIO, io.BufferedReader(Blocks(_snappy_blocks(file))))


def _zip(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            yield f"zip entry {entry.filename}", io.BytesIO(f"{entry.filename}\n".encode() + entry.comment)
            if not entry.is_dir():
                with archive.open(entry) as content:
                    yield f"zip entry {entry.filename}", cast(BinaryIO, content)


def _lz4_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Java's LZ4BlockOutputStream, which Spark writes: magic, method, packed size, size, checksum, block."""
    while head := file.read(21):
        magic, method, packed, size, _ = struct.unpack("<8sBIII", head)
        if magic != _LZ4_BLOCK:
            raise ValueError("no LZ4 block where one should be")
        block = file.read(packed)
        if size:
            yield block if method & 0xF0 == 0x10 else pa.decompress(block, size, "lz4_raw", asbytes=True)


def _snappy_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Java's SnappyOutputStream: 16 bytes of head, then blocks with their packed size before them."""
    file.read(16)
    while head := file.read(4):
        block = file.read(struct.unpack(">I", head)[0])
        size = shift = 0
        for byte in block[:5]:  # a snappy block begins with its size, seven bits a byte
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield pa.decompress(block, size, "snappy", asbytes=True)


_BY_MAGIC: tuple[tuple[bytes, Unpack], ...] = (
    (b"\x1f\x8b", _gzip),
    (b"PK\x03\x04", _zip),
    (b"PK\x05\x06", _zip),
    (b"\x28\xb5\x2f\xfd", _zstd),
    (b"\x04\x22\x4d\x18", _lz4_frame),
    (_LZ4_BLOCK, _lz4_block),
    (_XERIAL, _snappy),
    (b"BZh", _bzip2),
    (b"\xfd7zXZ\x00", _xz),
)
