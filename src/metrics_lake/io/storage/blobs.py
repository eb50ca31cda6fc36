"""Small files that others read, written whole or not at all: in a folder, or in a container of Azure."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from metrics_lake.config.storage_urls import is_azure
from metrics_lake.io.storage.failpoints import passing
from metrics_lake.io.storage.files import write_whole


class Blobs(Protocol):
    """Files below one place, by their path within it."""

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None if it isn't there."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Writes or replaces a file: a reader sees the old one or the new one."""
        ...

    def delete(self, path: str) -> None:
        """Removes a file; one that isn't there is no error."""
        ...

    def paths(self, below: str) -> Iterator[str]:
        """Every JSON file below a folder, in order."""
        ...

    def sizes(self, below: str) -> dict[str, int]:
        """The size in bytes of every file below a folder, hidden ones too, by path and in order."""
        ...

    def read_all(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each path with its file's bytes, in the order given."""
        ...

    def move(self, below: str, to: str) -> None:
        """Gives a folder another name, which no other has; one that isn't there is no error."""
        ...


def blobs_in(place: str) -> Blobs:
    """The blobs in a folder or container. Azure's packages are loaded only for a place in Azure."""
    if not is_azure(place):
        return FolderBlobs(place)
    from metrics_lake.io.storage.azure_blobs import AzureBlobs

    return AzureBlobs(place)


class FolderBlobs:
    """Files below one folder; see Blobs."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def read(self, path: str) -> bytes | None:
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
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

    def sizes(self, below: str) -> dict[str, int]:
        sizes = {}
        for file in sorted((self._root / below).rglob("*")):
            with contextlib.suppress(FileNotFoundError):  # it went while the folder was being listed
                status = file.stat()
                if stat.S_ISREG(status.st_mode):
                    sizes[file.relative_to(self._root).as_posix()] = status.st_size
        return sizes

    def read_all(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        return ((path, self.read(path)) for path in paths)

    def move(self, below: str, to: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self._root / below).rename(self._root / to)
