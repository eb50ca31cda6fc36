"""Landing files in a container of Azure: what is new among them, and the bytes of one, pinned by its ETag.

A blob that is overwritten between these two waits for the next plan: the version that was planned counts as unreadable
(`changed`), and the new one has another ETag. A blob that the service refuses alone (archived, forbidden) is put off,
and asked for again by every plan.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from metrics_lake.config.storage_urls import AzurePlace, place_of
from metrics_lake.io.landing.passed_over import is_passed_over
from metrics_lake.io.storage.azure import FORBIDDEN, blobs_below, container_of, refusal_of_blob, telling
from metrics_lake.sources.landed_file import FileEntry, UnreadableFile

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties, ContainerClient


class AzureLanding:
    """The blobs below a place, as Intake.plan asks for files. Those that the service refuses one by one are `put_off`."""

    def __init__(self, root: str) -> None:
        self._place = place_of(root)
        self._container = container_of(self._place)
        self.put_off = dict[str, str]()
        self._read_count = 0
        self._known: list[BlobProperties] = []
        self._forbidden: list[BlobProperties] = []

    def __str__(self) -> str:
        return str(self._place)

    def check(self, folder: str) -> None:
        """A container needs no check: listing its blobs raises an error where it is missing."""

    def files(self, folder: str) -> Iterator[BlobProperties]:
        """Every blob of a folder, in the order of their paths, but those that are hidden or still being written."""
        with telling(self._place):
            blobs = list(blobs_below(self._container, self._place.path(f"{folder}/")))
        for blob in blobs:
            parts = self.path(blob).split("/")
            if not any(part.startswith(".") for part in parts) and not is_passed_over(parts[-1]):
                yield blob

    def path(self, blob: BlobProperties) -> str:
        """Where a blob lies below landing."""
        return str(blob.name).removeprefix(self._place.path(""))

    def changed(
        self, blob: BlobProperties, newest: dict[str, FileEntry], hashes: set[str], redact_path: Callable[[str], str]
    ) -> FileEntry | None:
        """The blob's entry, if it is new or of another content. A blob that can't be read now is `put_off`."""
        name, etag = redact_path(self.path(blob)), str(blob.etag)
        before = newest.get(name)
        if before and before.etag == etag:
            self._known.append(blob)
            return None
        try:
            content = self._content_hash(blob)
        except UnreadableFile as error:
            self.put_off[name] = error.reason
            self._forbidden += [blob] * (error.reason == FORBIDDEN)
            return None
        if before and before.content_hash == content:
            return None
        modified = blob.last_modified.isoformat()
        return FileEntry(name, int(blob.size), content, modified, is_duplicate=content in hashes, etag=etag)

    def refusal(self, blob: BlobProperties) -> str | None:
        """Why a blob can't be read, as far as its tier tells; None if it can."""
        return "archived" if str(getattr(blob, "blob_tier", None)) == "Archive" else None

    def end_plan(self, redact_path: Callable[[str], str]) -> None:
        """Raises AzureError where every new blob is forbidden and known ones are too: then it is the key or role, not the blob."""
        if self._read_count or not self._forbidden:
            return
        known = (blob for blob in self._known if not self.refusal(blob))
        probe = next(known, self._forbidden[0])
        with telling(self._place):
            next(self._container.download_blob(self._place.path(self.path(probe))).chunks(), None)

    def _content_hash(self, blob: BlobProperties) -> str:
        if reason := self.refusal(blob):
            raise UnreadableFile(reason)
        digest = hashlib.sha256()
        for piece in _chunks(self._container, self._place, self.path(blob), str(blob.etag), is_listed=True):
            digest.update(piece)
        self._read_count += 1
        return digest.hexdigest()

    def as_landed(self, blob: BlobProperties, entry: FileEntry) -> FileEntry | None:
        """See LocalLanding.as_landed. A blob that was uploaded again with the same bytes has another ETag."""
        etag = str(blob.etag)
        if etag == entry.etag:
            return entry
        is_same = int(blob.size) == entry.size_bytes and self._hash(blob, etag, entry.size_bytes) == entry.content_hash
        return replace(entry, etag=etag) if is_same else None

    def begins_with(self, blob: BlobProperties, entry: FileEntry) -> bool:
        """See LocalLanding.begins_with."""
        return self._hash(blob, str(blob.etag), entry.size_bytes) == entry.content_hash

    def _hash(self, blob: BlobProperties, etag: str, size: int) -> str | None:
        """SHA-256 of a blob's first bytes; None where it changes meanwhile."""
        digest, left = hashlib.sha256(), size
        try:
            for piece in _chunks(self._container, self._place, self.path(blob), etag):
                digest.update(piece[:left])
                left -= len(piece[:left])
                if not left:
                    break
        except UnreadableFile:
            return None
        return digest.hexdigest()


@dataclass(frozen=True)
class LandedBlob:
    """A file of a batch in a container; see InputFile."""

    root: str
    entry: FileEntry
    batch_number: int
    redact_path: Callable[[str], str]

    @cached_property
    def true_path(self) -> str:
        """Where a part holds a mark, it is the blob whose path would be redacted to that."""
        if "<" not in self.entry.path:
            return self.entry.path
        landing, start = AzureLanding(self.root), self.entry.path.partition("/")[0]
        alike = (
            path for blob in landing.files(start) if self.redact_path(path := landing.path(blob)) == self.entry.path
        )
        return next(alike, self.entry.path)

    def before(self) -> LandedBlob | None:
        """See InputFile.before."""
        landing, path = AzureLanding(self.root), self.true_path
        folder = path.rpartition("/")[0]
        blobs = {landing.path(blob): blob for blob in landing.files(folder)}
        previous = max((name for name in blobs if name < path and name.rpartition("/")[0] == folder), default=None)
        if previous is None:
            return None
        entry = FileEntry(self.redact_path(previous), int(blobs[previous].size), "", "", etag=str(blobs[previous].etag))
        return replace(self, entry=entry)

    def pieces(self) -> Iterator[bytes]:
        """See InputFile.pieces. All of it is fetched first, so that a change shows before the first line is taken.

        It stays in memory, packed as it is: a file on this machine would contain addresses.
        """
        from metrics_lake.io.landing.byte_pieces import line_pieces

        place = place_of(self.root)
        with io.BytesIO() as file:
            for chunk in _chunks(container_of(place), place, self.true_path, self.entry.etag):
                file.write(chunk)
            yield from line_pieces(file)


def _chunks(
    container: ContainerClient, place: AzurePlace, path: str, etag: str, *, is_listed: bool = False
) -> Iterator[bytes]:
    """One version of a blob, in ranges; UnreadableFile where the service refuses this blob alone, such as another version.

    That it is forbidden counts as such only where the listing was just allowed, and the caller looks at the others too.
    """
    from azure.core import MatchConditions
    from azure.core.exceptions import HttpResponseError

    pinned: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
    with telling(place):
        try:
            yield from container.download_blob(place.path(path), **pinned).chunks()
        except HttpResponseError as error:
            reason = refusal_of_blob(error)
            if reason is None or (reason == FORBIDDEN and not is_listed):
                raise
            raise UnreadableFile(reason) from None
