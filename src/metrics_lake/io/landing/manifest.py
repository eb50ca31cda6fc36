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
class Batch:
    """Files to be read together: paths below `root`, and the rules they are read by (plain JSON, no secret)."""

    number: int
    root: str
    entries: tuple[FileEntry, ...]
    rules: dict[str, Any]


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
        names = [_name(number) for number in range(1, self.last_number + 1)]
        read = enumerate(self._files.read_all(names), 1)
        return [entry for number, (_, content) in read for entry in self._batch(number, content).entries]

    def add(self, root: str, entries: Iterable[FileEntry], rules: dict[str, Any]) -> Batch:
        """Writes the next batch, whole or not at all."""
        return self.put(Batch(self.last_number + 1, root, tuple(entries), rules))

    def put(self, batch: Batch) -> Batch:
        """Writes a batch in its own place, whole or not at all."""
        content = {"root": batch.root, "rules": batch.rules, "files": [asdict(entry) for entry in batch.entries]}
        self._files.write(_name(batch.number), json.dumps(content, indent=1).encode())
        return batch

    def drop_after(self, number: int) -> None:
        """Deletes the batches after this one, which nothing has read."""
        for later in range(self.last_number, number, -1):
            self._files.delete(_name(later))

    def _batch(self, number: int, content: bytes | None) -> Batch:
        try:
            fields = json.loads(content or b"")
            return Batch(
                number, fields["root"], tuple(FileEntry(**entry) for entry in fields["files"]), fields["rules"]
            )
        except (ValueError, KeyError, TypeError):
            raise CheckpointError(f"{self._place}/{_name(number)} is torn or lost") from None


def _name(number: int) -> str:
    return f"{number:08d}.json"
