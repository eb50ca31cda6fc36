"""Reads a file in chunks that cut no token, and unpacks the streams inside it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from metrics_lake.audit.containers import DAMAGED, unpacker

CHUNK_BYTES = 8 << 20
OVERLAP = 1024
_STEP_BYTES = 1 << 20
_NESTED_BYTES = 512 << 20
_DEPTH = 5
_BREAK = re.compile(rb"[^0-9A-Za-z.:_%+/=-]")


class TooLarge(ValueError):
    """A packed file inside a packed file is too large to be opened."""


def chunks(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes): a whole stream in chunks of some megabytes. All bytes before damage are yielded before it is raised.

    A chunk repeats the end of the one before, and begins and ends between words where it can, so that no address is cut
    in two and no cut turns a longer number into an address.
    """
    kept, offset = b"", 0
    while True:
        fresh, damage = _filled(stream, CHUNK_BYTES)
        data, is_last = kept + fresh, len(fresh) < CHUNK_BYTES
        end = len(data) if is_last else _last_break(data)
        if end:
            yield offset, data[:end]
        if damage:
            raise damage
        if is_last:
            return
        start = _first_break(data, max(end - OVERLAP, 0), end)
        kept, offset = data[start:], offset + start


def _filled(stream: BinaryIO, size: int) -> tuple[bytes, Exception | None]:
    """`size` bytes, fewer only at the end or before damage, which is returned with them."""
    parts: list[bytes] = []
    read = getattr(
        stream, "read1", stream.read
    )  # one step at a time, so that damage costs a step and not all before it
    try:
        while size and (part := read(min(size, _STEP_BYTES))):
            parts.append(part)
            size -= len(part)
    except DAMAGED as damage:
        return b"".join(parts), damage
    return b"".join(parts), None


def _last_break(data: bytes) -> int:
    near = [match.end() for match in _BREAK.finditer(data, len(data) - OVERLAP)]
    return near[-1] if near else len(data)


def _first_break(data: bytes, start: int, end: int) -> int:
    match = _BREAK.search(data, start, end)
    return match.end() if match else start


def streams(file: BinaryIO, place: str = "", depth: int = 0) -> Iterator[tuple[str, BinaryIO]]:
    """(place, stream): the file itself and, packed or not, everything inside it. Read each stream before you take the next."""
    head = file.read(16)
    file.seek(0)
    yield place, file
    unpack = unpacker(head)
    if unpack is None:
        return
    if depth == _DEPTH:
        raise TooLarge("packed more than five times over")
    file.seek(0)
    for name, inner in unpack(file):
        inside = f"{place}{name}: "
        start, damage = _filled(inner, 16)
        if damage or unpacker(start) is None:
            yield inside, _Joined(start, inner, damage)
            continue
        whole, damage = _filled(inner, _NESTED_BYTES)
        if len(whole) == _NESTED_BYTES:
            raise TooLarge(f"{inside}larger than {_NESTED_BYTES >> 20} MB inside")
        yield from streams(io.BytesIO(start + whole), inside, depth + 1)
        if damage:
            raise damage


class _Joined(io.RawIOBase, BinaryIO):
    """A stream with its first bytes put back, and the damage that was met while they were read."""

    def __init__(self, start: bytes, rest: BinaryIO, damage: Exception | None) -> None:
        self._start, self._damage = start, damage
        self._read = getattr(rest, "read1", rest.read)

    def read(self, size: int = -1) -> bytes:
        if self._start:
            start, self._start = self._start, b""
            return start
        if self._damage:
            raise self._damage
        return bytes(self._read(size))
