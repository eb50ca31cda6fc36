"""From a landing folder through the streaming source into a bronze table: what is new is planned, then read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics_lake.config.storage_urls import is_azure, uri_of
from metrics_lake.io.landing import checkpoints
from metrics_lake.io.landing.azure_landing import UNFINISHED, AzureLanding
from metrics_lake.io.landing.manifest import Batch, Manifest
from metrics_lake.io.storage.failpoints import passing
from metrics_lake.io.storage.files import content_hash
from metrics_lake.sources.landed_file import FileEntry

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class LandingError(Exception):
    """The landing folder can't be read; the message names it and the remedy."""


def landing_at(place: str) -> Path | AzureLanding:
    """What `storage.landing` names. Without Azure none of its packages is loaded."""
    return AzureLanding(place) if is_azure(place) else Path(place)


def new_entries(
    root: Path | AzureLanding,
    folder: str,
    known: list[FileEntry],
    redact_path: Callable[[str], str],
    unread: Callable[[], set[str]] = set,
) -> Iterator[FileEntry]:
    """Files below `root/folder` that no batch holds yet, or holds with other content, in the order of their paths.

    `redact_path` is how a path may be written down: the same for the same path, another for another. `unread` gives hashes of
    files that were planned and then could not be read: what comes with such content is no copy. It is asked where one comes.
    """
    if isinstance(root, Path) and not root.is_dir():
        raise LandingError(
            f"no landing folder {root}: make it and put logs below {root}/{folder}, or set storage.landing"
        )
    newest = {entry.path: entry for entry in known}
    hashes = {entry.content_hash for entry in known if entry.size_bytes}
    waiting: set[str] | None = None
    for entry in _entries(root, folder, newest, hashes, redact_path):
        if entry:
            if entry.size_bytes:
                hashes.add(entry.content_hash)
            is_copy = entry.is_duplicate
            if is_copy and entry.content_hash in (waiting := unread() if waiting is None else waiting):
                waiting.discard(entry.content_hash)
                is_copy = False
            yield replace(entry, is_duplicate=is_copy)


def _entries(
    root: Path | AzureLanding,
    folder: str,
    newest: dict[str, FileEntry],
    hashes: set[str],
    redact_path: Callable[[str], str],
) -> Iterator[FileEntry | None]:
    if isinstance(root, Path):
        yield from (_changed(root, path, newest, hashes, redact_path) for path in sorted(_files(root / folder)))
    else:
        yield from (root.changed(blob, newest, hashes, redact_path) for blob in root.files(folder))


def landed(root: Path, folder: str, redact_path: Callable[[str], str]) -> dict[str, Path]:
    """Every file below `root/folder` by its path as it may be written down."""
    return {redact_path(path.relative_to(root).as_posix()): path for path in _files(root / folder)}


def unchanged(path: Path, entry: FileEntry) -> bool:
    """Whether a file is there, and of the bytes that were read of it."""
    return path.is_file() and path.stat().st_size == entry.size_bytes and content_hash(path) == entry.content_hash


def _files(folder: Path) -> Iterator[Path]:
    """Every file of a tree, but those whose name says that they are still being written."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not is_unfinished(name))


def is_unfinished(name: str) -> bool:
    """Whether a file's name says that it is hidden or still being written."""
    return name.startswith(".") or name.endswith(UNFINISHED)


def _changed(
    root: Path, path: Path, newest: dict[str, FileEntry], hashes: set[str], redact_path: Callable[[str], str]
) -> FileEntry | None:
    try:
        status, name = path.stat(), redact_path(path.relative_to(root).as_posix())
    except FileNotFoundError:
        return None  # it went while the folder was being listed, or it is a link to nowhere
    if not stat.S_ISREG(status.st_mode):
        return None
    modified = datetime.fromtimestamp(status.st_mtime, timezone.utc).isoformat()
    before = newest.get(name)
    if before and (before.size_bytes, before.modified_at) == (status.st_size, modified):
        return None
    found = content_hash(path)
    if before and before.content_hash == found:
        return None
    return FileEntry(name, status.st_size, found, modified, is_duplicate=found in hashes)


class Intake:
    """One feed's way in: manifest, checkpoint and bronze table. `feed` is a bronze module with SOURCE and TABLE.

    `redact_path` is how paths of landing files may be written down (names.Names).
    """

    def __init__(self, feed: Any, checkpoint: str | Path, redact_path: Callable[[str], str]) -> None:
        self._feed, self._checkpoint, self._redact_path = feed, str(checkpoint), redact_path
        self.manifest = Manifest(f"{checkpoint}/{checkpoints.MANIFEST}")

    @property
    def committed(self) -> int:
        """The newest batch that is in the table, as far as the checkpoint knows."""
        return checkpoints.committed(self._checkpoint)

    def landed(self, root: Path, folder: str | None = None) -> dict[str, Path]:
        """The feed's files in landing by the paths that entries of the manifest tell."""
        return landed(root, folder or self._feed.SOURCE.folder, self._redact_path)

    def landed_paths(self, root: Path | AzureLanding, folder: str | None = None) -> set[str]:
        """The paths alone, wherever landing is."""
        if isinstance(root, Path):
            return set(self.landed(root, folder))
        return {self._redact_path(root.path(blob)) for blob in root.files(folder or self._feed.SOURCE.folder)}

    def landed_versions(self, root: Path | AzureLanding, folder: str) -> dict[str, str]:
        """The hash of each file's content in landing, by its path; what no batch holds as it is is read for it."""
        known = self.manifest.entries()
        there, newest = self.landed_paths(root, folder), {entry.path: entry.content_hash for entry in known}
        changed = {entry.path: entry.content_hash for entry in new_entries(root, folder, known, self._redact_path)}
        return {path: found for path in there if (found := changed.get(path, newest.get(path)))}

    def check(self, table: str) -> None:
        """Raises CheckpointError where going on would lose rows or read them twice."""
        checkpoints.check(self._checkpoint, table)

    def begin_again(self, table: str, held: list[Batch]) -> None:
        """A new checkpoint behind the batches that the table holds; of a batch that the manifest lost, `held` knows
        the files. What was planned and not read is planned anew.
        """
        newest = max((batch.number for batch in held), default=0)
        self.manifest.drop_after(newest)
        for batch in held:
            try:
                self.manifest.batch(batch.number)
            except checkpoints.CheckpointError:
                self.manifest.put(batch)
        checkpoints.begin_again(self._checkpoint, table, newest)

    def plan(
        self,
        root: Path | AzureLanding,
        rules: dict[str, Any],
        most_bytes: int,
        folder: str | None = None,
        unread: Callable[[], set[str]] = set,
        dated: Callable[[FileEntry], FileEntry] = lambda entry: entry,
    ) -> Batch | None:
        """Writes down the next batch of new files, up to so many bytes (one file at least); None if nothing is new.

        `folder` is for a feed that comes in several: which one to look in. For `unread` see new_entries; `dated` may
        say when a file was first seen.
        """
        taken: list[FileEntry] = []
        size, where = 0, str(root.resolve() if isinstance(root, Path) else root)
        known = self.manifest.entries()
        for entry in new_entries(root, folder or self._feed.SOURCE.folder, known, self._redact_path, unread):
            if taken and size + entry.size_bytes > most_bytes:
                break
            taken.append(dated(entry))
            size += entry.size_bytes
        return self.manifest.add(where, taken, rules) if taken else None

    @property
    def waiting_bytes(self) -> int:
        """How large the files of planned batches are that are not in the table yet."""
        numbers = range(self.committed + 1, self.manifest.last_number + 1)
        return sum(entry.size_bytes for number in numbers for entry in self.manifest.batch(number).entries)

    def read(self, spark: SparkSession, into: str, on_progress: Callable[[int, int], None], *, is_small: bool) -> None:
        """Runs the stream over every planned batch; on_progress gets parts done and in all, a few times a second."""
        from metrics_lake.io.landing.reader import FORMAT, Landing
        from metrics_lake.io.landing.sink import Sink

        passing("batch_planned")
        spark.dataSource.register(Landing)
        rows = (
            spark.readStream.format(FORMAT)
            .schema(", ".join(f"{column.name} {column.type}" for column in self._feed.TABLE.fields))
            .option("manifest", whole(f"{self._checkpoint}/{checkpoints.MANIFEST}"))
            .option("feed", self._feed.__name__)
            .option("after", checkpoints.start(self._checkpoint))
            .load()
        )
        checkpoint = whole(self._checkpoint)
        sink = Sink(self._feed.TABLE, whole(into), lambda: checkpoints.query_id(checkpoint), is_small=is_small)
        query = (
            rows.writeStream.foreachBatch(sink)
            .option("checkpointLocation", uri_of(f"{checkpoint}/{checkpoints.QUERY}"))
            .trigger(availableNow=True)
            .start()
        )
        try:
            while not query.awaitTermination(0.2):  # type: ignore[arg-type]
                on_progress(*_parts(spark))
        except Exception:
            if sink.error:
                raise sink.error from None
            raise
        finally:
            query.stop()
        passing("batch_read")


def whole(place: str) -> str:
    """A place by a name that another process, which may stand elsewhere, understands."""
    return place if is_azure(place) else str(Path(place).resolve())


def _parts(spark: SparkSession) -> tuple[int, int]:
    """How many tasks of the running stage are done, and how many it has."""
    tracker = spark.sparkContext.statusTracker()
    infos = [info for stage in tracker.getActiveStageIds() if (info := tracker.getStageInfo(stage))]
    return sum(info.numCompletedTasks for info in infos), sum(info.numTasks for info in infos)
