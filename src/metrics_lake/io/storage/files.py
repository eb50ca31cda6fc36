"""Files on a local disk: written whole or not at all, hashed, locked."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from metrics_lake.io.storage.failpoints import passing

_PIECE_BYTES = 1 << 20


class BusyError(Exception):
    """Another process has the lock; the message names it."""


def write_whole(path: Path, content: bytes) -> None:
    """Writes or replaces a file in one step: a reader sees the old one or the new one, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        passing("file_written")
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def content_hash(path: Path, size: int | None = None) -> str:
    """SHA-256 of a file's bytes, or of the first `size` of them, in hex."""
    digest, left = hashlib.sha256(), size or 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES if size is None else min(left, _PIECE_BYTES)):
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def locked(path: Path, doing: str) -> Iterator[None]:
    """Holds an OS lock while the block runs; BusyError names the process that holds it already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise BusyError(f"{holder} is writing to this lake; wait until it has ended ({path})") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} ({doing})")
        file.flush()
        yield
