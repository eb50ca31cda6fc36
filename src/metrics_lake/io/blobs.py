"""Small files that others read, written whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from metrics_lake.io.failpoints import passing
from metrics_lake.io.files import write_whole


class Blobs:
    """Files below one folder, by their path within it."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def read(self, path: str) -> bytes | None:
        try:
            return (self._root / path).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        write_whole(self._root / path, content)
        passing("blob_written")

    def delete(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self._root / path).unlink()

    def paths(self, below: str) -> Iterator[str]:
        """Every blob below a folder, in order."""
        for file in sorted((self._root / below).rglob("*.json")):
            if not file.name.startswith("."):
                yield file.relative_to(self._root).as_posix()
