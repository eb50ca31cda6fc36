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

from metrics_lake.io.checkpoints import CheckpointError
from metrics_lake.io.files import write_whole
from metrics_lake.sources.arrived import FileEntry


@dataclass(frozen=True)
class Batch:
    """Files to be read together: paths below `root`, and the rules they are read by (plain JSON, no secret)."""

    number: int
    root: str
    entries: tuple[FileEntry, ...]
    rules: dict[str, Any]


class Manifest:
    """The batches of one source, in a folder of their own below the checkpoint."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    @property
    def last_number(self) -> int:
        """The newest batch's number; 0 before the first."""
        return max((int(file.stem) for file in self._folder.glob("[0-9]*.json")), default=0)

    def batch(self, number: int) -> Batch:
        file = self._file(number)
        try:
            held = json.loads(file.read_text(encoding="utf-8"))
            return Batch(number, held["root"], tuple(FileEntry(**entry) for entry in held["files"]), held["rules"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            raise CheckpointError(f"{file} is torn or lost") from None

    def entries(self) -> list[FileEntry]:
        """Every version of every file that was ever planned, oldest first."""
        return [entry for number in range(1, self.last_number + 1) for entry in self.batch(number).entries]

    def add(self, root: str, entries: Iterable[FileEntry], rules: dict[str, Any]) -> Batch:
        """Writes the next batch, whole or not at all."""
        return self.put(Batch(self.last_number + 1, root, tuple(entries), rules))

    def put(self, batch: Batch) -> Batch:
        """Writes a batch in its own place, whole or not at all."""
        held = {"root": batch.root, "rules": batch.rules, "files": [asdict(entry) for entry in batch.entries]}
        write_whole(self._file(batch.number), json.dumps(held, indent=1).encode())
        return batch

    def drop_after(self, number: int) -> None:
        """Forgets the batches behind this one, which nothing has read."""
        for later in range(self.last_number, number, -1):
            self._file(later).unlink(missing_ok=True)

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:08d}.json"
