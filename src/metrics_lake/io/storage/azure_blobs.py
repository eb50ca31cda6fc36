"""Blobs in a container of Azure, with what browsers and caches want to know of them.

A blob that was read is written back only if nobody else has changed it since, so that of two publishers one gets an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from metrics_lake.config.storage_urls import place_of
from metrics_lake.io.storage.azure import AzureError, blobs_below, container_of, is_missing_blob, telling
from metrics_lake.io.storage.failpoints import passing

_KINDS = {".json": "application/json; charset=utf-8"}
_OTHER_KIND = "text/plain; charset=utf-8"
_CACHED = "max-age=60, must-revalidate"  # figures of today are restated hourly, those of the past seldom
_AT_ONCE = 8  # requests for small blobs in parallel: each takes a round trip and a connection
_MISSING = ""  # in place of the ETag of a blob that was looked for and isn't there


class AzureBlobs:
    """See blobs.Blobs. `read` remembers which version it saw, and `write` replaces that one alone."""

    def __init__(self, root: str) -> None:
        self._place = place_of(root)
        self._container = container_of(self._place)
        self._seen: dict[str, str] = {}

    def read(self, path: str) -> bytes | None:
        from azure.core.exceptions import ResourceNotFoundError

        with telling(self._place):
            try:
                blob = self._container.download_blob(self._place.path(path))
                self._seen[path] = blob.properties.etag
                return blob.readall()
            except ResourceNotFoundError as error:
                if not is_missing_blob(error):
                    raise
        self._seen[path] = _MISSING
        return None

    def write(self, path: str, content: bytes) -> None:
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

        with telling(self._place):
            try:
                self._put(path, content)
            except (ResourceExistsError, ResourceModifiedError):
                if self.read(path) != content:  # else our own, whose answer was lost on the way
                    raise AzureError(
                        f"{self._place}/{path} was changed by another publisher meanwhile: see that one alone writes "
                        "there, then publish again"
                    ) from None
        passing("blob_written")

    def delete(self, path: str) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        with telling(self._place):
            try:
                self._container.delete_blob(self._place.path(path))
            except ResourceNotFoundError as error:
                if not is_missing_blob(error):
                    raise
        self._seen.pop(path, None)

    def paths(self, below: str) -> Iterator[str]:
        """Every blob below a folder, in order."""
        for path in self.sizes(below):
            if path.endswith(".json") and not path.rpartition("/")[2].startswith("."):
                yield path

    def sizes(self, below: str) -> dict[str, int]:
        start = self._place.path(f"{below}/" if below else "")
        with telling(self._place):
            sizes = {str(blob.name): int(blob.size) for blob in blobs_below(self._container, start)}
        return {name.removeprefix(self._place.path("")): size for name, size in sizes.items()}

    def read_all(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            yield from zip(paths, pool.map(self.read, paths), strict=True)

    def move(self, below: str, to: str) -> None:
        """One after the other, first those that lie right in the folder: where it breaks off, they are what is missed."""
        for path in sorted(self.sizes(below), key=lambda path: (path.count("/"), path)):
            self.write(f"{to}{path.removeprefix(below)}", self.read(path) or b"")
            self.delete(path)

    def _put(self, path: str, content: bytes) -> None:
        from azure.storage.blob import ContentSettings

        kind = next((kind for ending, kind in _KINDS.items() if path.endswith(ending)), _OTHER_KIND)
        about = ContentSettings(content_type=kind, cache_control=_CACHED)
        answer: dict[str, Any] = self._container.get_blob_client(self._place.path(path)).upload_blob(
            content, overwrite=True, content_settings=about, **self._condition(path)
        )
        self._seen[path] = answer["etag"]

    def _condition(self, path: str) -> dict[str, Any]:
        from azure.core import MatchConditions

        seen = self._seen.get(path)
        if seen is None:
            return {}
        if seen == _MISSING:
            return {"match_condition": MatchConditions.IfMissing}
        return {"match_condition": MatchConditions.IfNotModified, "etag": seen}
