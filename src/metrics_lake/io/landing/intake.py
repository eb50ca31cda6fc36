"""From a landing folder through the streaming source into a bronze table: what is new is planned, then read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from metrics_lake.config.storage_urls import is_azure, uri_of
from metrics_lake.io.landing import checkpoints
from metrics_lake.io.landing.azure_landing import AzureLanding
from metrics_lake.io.landing.local_landing import LocalLanding
from metrics_lake.io.landing.manifest import Again, Batch, Manifest
from metrics_lake.io.storage.failpoints import passing
from metrics_lake.model.feeds import Feed
from metrics_lake.sources.landed_file import FileEntry

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class LandingFolder(Protocol):
    """Where landing files are: a folder of this machine, or a container of Azure.

    `put_off` are the files that `changed` could not read: their redacted paths, each with its reason of quarantine. They
    are in no batch, and the next plan tries them again.
    """

    put_off: dict[str, str]

    def check(self, folder: str) -> None: ...

    def files(self, folder: str) -> Iterator[Any]: ...

    def path(self, file: Any) -> str: ...

    def changed(
        self, file: Any, newest: dict[str, FileEntry], hashes: set[str], redact_path: Callable[[str], str]
    ) -> FileEntry | None: ...

    def end_plan(self, redact_path: Callable[[str], str]) -> None:
        """Called when every file has been looked at. Raises an error where it was the whole place that refused."""
        ...

    def refusal(self, file: Any) -> str | None:
        """Why a file can't be read, as far as the listing tells; None if it can."""
        ...

    def as_landed(self, file: Any, entry: FileEntry) -> FileEntry | None: ...

    def begins_with(self, file: Any, entry: FileEntry) -> bool: ...


def landing_at(place: str) -> LandingFolder:
    """What `storage.landing` names. Without Azure none of its packages is loaded."""
    return AzureLanding(place) if is_azure(place) else LocalLanding(place)


def new_entries(
    landing: LandingFolder,
    folder: str,
    known: list[FileEntry],
    redact_path: Callable[[str], str],
    unread: Callable[[], set[str]] = set,
    again: Collection[tuple[str, str]] = (),
) -> Iterator[FileEntry]:
    """Files of a folder of landing that no batch has yet, or has with other content, in the order of their paths.

    `redact_path` gives a path as it may be written: always the same for one path, and never the same for two. `unread`
    gives hashes of files that were planned and could not be read: a file with such content is no copy. It is called at
    the first copy. `again` are paths and content hashes of known versions that are to be read again: what stood in their
    way may have passed.
    """
    landing.check(folder)
    newest = {entry.path: entry for entry in known}
    newest = {path: entry for path, entry in newest.items() if (path, entry.content_hash) not in again}
    hashes = {entry.content_hash for entry in known if entry.size_bytes}
    never_read: set[str] | None = None
    for file in landing.files(folder):
        entry = landing.changed(file, newest, hashes, redact_path)
        if entry is None:
            continue
        if entry.size_bytes:
            hashes.add(entry.content_hash)
        is_copy = entry.is_duplicate
        if is_copy and entry.content_hash in (never_read := unread() if never_read is None else never_read):
            never_read.discard(entry.content_hash)
            is_copy = False
        yield replace(entry, is_duplicate=is_copy)
    landing.end_plan(redact_path)


class Intake:
    """How one feed's files come in: its manifest, its checkpoint and its bronze table.

    `redact_path` gives a landing file's path as it may be written (privacy.redaction.Names).
    """

    def __init__(self, feed: Feed, checkpoint: str | Path, redact_path: Callable[[str], str]) -> None:
        self._feed, self._checkpoint, self._redact_path = feed, str(checkpoint), redact_path
        self.manifest = Manifest(f"{checkpoint}/{checkpoints.MANIFEST}")

    @property
    def committed(self) -> int:
        """The newest batch that is in the table, as far as the checkpoint knows."""
        return checkpoints.committed(self._checkpoint)

    def landed(self, landing: LandingFolder) -> dict[str, Any]:
        """The feed's files in landing by their paths as the manifest writes them."""
        return {
            self._redact_path(landing.path(file)): file
            for folder in self._feed.folders
            for file in landing.files(folder)
        }

    def readable(self, landing: LandingFolder) -> set[str]:
        """The paths of those of them that can be read, as far as the listing tells: no blob in the Archive tier."""
        return {path for path, file in self.landed(landing).items() if landing.refusal(file) is None}

    def refused(self, landing: LandingFolder) -> dict[str, str]:
        """The files that no batch has and that can't be read: their paths, each with its reason of quarantine."""
        known = {entry.path for entry in self.manifest.entries()}
        files = self.landed(landing).items()
        refusals = {path: landing.refusal(file) for path, file in files if path not in known}
        return {path: reason for path, reason in refusals.items() if reason}

    def landed_versions(self, landing: LandingFolder) -> dict[str, str]:
        """The hash of each file's content in landing, by its path. A file that no batch has as it is now is read for it."""
        known = self.manifest.entries()
        paths, newest = self.readable(landing), {entry.path: entry.content_hash for entry in known}
        for folder in self._feed.folders:
            entries = new_entries(landing, folder, known, self._redact_path)
            newest |= {entry.path: entry.content_hash for entry in entries}
        return {path: newest[path] for path in paths if path in newest}

    def check(self, table: str) -> None:
        """Raises CheckpointError where the next ingest would lose rows or read them twice."""
        checkpoints.check(self._checkpoint, table)

    def reset_checkpoint(self, table: str, batches: list[Batch]) -> None:
        """Starts a new checkpoint after `batches`, which the table contains. A batch that the manifest lost is written
        again from them; a batch that was planned and not read is planned anew.
        """
        newest = max((batch.number for batch in batches), default=0)
        self.manifest.drop_after(newest)
        for batch in batches:
            try:
                self.manifest.batch(batch.number)
            except checkpoints.CheckpointError:
                self.manifest.put(batch)
        checkpoints.reset_checkpoint(self._checkpoint, table, newest)

    def plan(
        self,
        landing: LandingFolder,
        rules: dict[str, Any],
        most_bytes: int,
        folder: str | None = None,
        unread: Callable[[], set[str]] = set,
        dated: Callable[[FileEntry], FileEntry] = lambda entry: entry,
        again: Collection[tuple[str, str]] = (),
    ) -> Batch | None:
        """Writes the next batch of new files to the manifest: up to `most_bytes`, at least one file. None if nothing is new.

        `folder` is the feed's folder to look in; by default its first. For `unread` and `again` see new_entries; `dated` may
        add when a file was first seen.
        """
        entries: list[FileEntry] = []
        size = 0
        known = self.manifest.entries()
        for entry in new_entries(landing, folder or self._feed.folders[0], known, self._redact_path, unread, again):
            if entries and size + entry.size_bytes > most_bytes:
                break
            entries.append(dated(entry))
            size += entry.size_bytes
        return self.manifest.add(str(landing), entries, rules) if entries else None

    def plan_again(
        self, landing: LandingFolder, rules: dict[str, Any], entries: Sequence[FileEntry], again: Again
    ) -> Batch:
        """Writes the next batch to the manifest: files that were read before."""
        return self.manifest.add(str(landing), entries, rules, again)

    def batches_of(self, micro_batch: int) -> list[Batch]:
        """The batches that a micro-batch of the query reads."""
        return self.manifest.batches(*checkpoints.batches_of(self._checkpoint, micro_batch))

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
            .schema(", ".join(f"{column.name} {column.type}" for column in self._feed.table.fields))
            .option("manifest", whole(f"{self._checkpoint}/{checkpoints.MANIFEST}"))
            .option("feed", self._feed.declared_in)
            .option("after", checkpoints.start(self._checkpoint))
            .load()
        )
        checkpoint = whole(self._checkpoint)
        sink = Sink(
            self._feed.table,
            whole(into),
            lambda: checkpoints.query_id(checkpoint),
            is_small=is_small,
            batches=self.batches_of,
        )
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
