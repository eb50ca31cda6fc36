"""Which landing files came in which batch. The streaming source's offsets are numbers of these batches.

A batch is one JSON file, written before any offset names it, so a replay reads the same files under the same rules.
What is new is decided by path, size and content, never by a time stamp alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from metrics_lake.io.landing.checkpoints import CheckpointError, batch_numbers
from metrics_lake.io.storage.blobs import blobs_in
from metrics_lake.sources.landed_file import FileEntry


@dataclass(frozen=True)
class Again:
    """What a batch replaces whose files were read before: rows of `file_ids`, which lie in batches `first` to `last`.

    `started_at` and `ended_at` are the stretch of time (ISO 8601) that those rows show listening in; empty where in none.
    """

    file_ids: tuple[str, ...]
    first: int
    last: int
    started_at: str = ""
    ended_at: str = ""


@dataclass(frozen=True)
class Batch:
    """Files to be read together: paths below `root`, and the rules they are read by (plain JSON, no secret).

    `again` is set where they were read before.
    """

    number: int
    root: str
    entries: tuple[FileEntry, ...]
    rules: dict[str, Any]
    again: Again | None = None


class Manifest:
    """The batches of one source, in a folder of their own below the checkpoint, wherever that lies."""

    def __init__(self, folder: str | Path) -> None:
        self._place, self._files = str(folder), blobs_in(str(folder))

    @property
    def last_number(self) -> int:
        """The newest batch's number; 0 before the first."""
        return max(batch_numbers(self._files.sizes("")), default=0)

    def batch(self, number: int) -> Batch:
        return self._batch(number, self._files.read(_name(number)))

    def entries(self) -> list[FileEntry]:
        """Every version of every file that was ever planned, oldest first."""
        return [entry for batch in self.batches(0, self.last_number) for entry in batch.entries]

    def batches(self, after: int, through: int) -> list[Batch]:
        """The batches `(after, through]`."""
        numbers = range(after + 1, through + 1)
        read = self._files.read_all([_name(number) for number in numbers])
        return [self._batch(number, content) for number, (_, content) in zip(numbers, read, strict=True)]

    def add(self, root: str, entries: Iterable[FileEntry], rules: dict[str, Any], again: Again | None = None) -> Batch:
        """Writes the next batch, whole or not at all."""
        return self.put(Batch(self.last_number + 1, root, tuple(entries), rules, again))

    def put(self, batch: Batch) -> Batch:
        """Writes a batch in its own place, whole or not at all."""
        content = {"root": batch.root, "rules": batch.rules, "files": [asdict(entry) for entry in batch.entries]}
        if batch.again:
            content["again"] = asdict(batch.again)
        self._files.write(_name(batch.number), json.dumps(content, indent=1).encode())
        return batch

    def drop_after(self, number: int) -> None:
        """Deletes the batches after this one, which nothing has read."""
        for later in range(self.last_number, number, -1):
            self._files.delete(_name(later))

    def _batch(self, number: int, content: bytes | None) -> Batch:
        try:
            fields = json.loads(content or b"")
            entries = tuple(FileEntry(**entry) for entry in fields["files"])
            return Batch(number, fields["root"], entries, fields["rules"], _again(fields.get("again")))
        except (ValueError, KeyError, TypeError):
            raise CheckpointError(f"{self._place}/{_name(number)} is torn or lost") from None


def _name(number: int) -> str:
    return f"{number:08d}.json"


def _again(fields: dict[str, Any] | None) -> Again | None:
    return Again(**{**fields, "file_ids": tuple(fields["file_ids"])}) if fields else None
