"""What a table's own commits remember, read from its log without Spark."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from deltalake import DeltaTable

from metrics_lake.io.lake import delta
from metrics_lake.model.tables import Table


@dataclass(frozen=True)
class Progress:
    """What a job writes beside its rows, in the same commit.

    `watermark` says up to where it had read each input; `rules` is a digest of the settings its rows depend on;
    `days` are the days its rows changed.
    """

    job: str
    watermark: dict[str, int]
    rules: str
    days: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def as_text(self) -> str:
        return json.dumps(
            {"job": self.job, "through": self.watermark, "rules": self.rules, "days": self.days, "more": self.more}
        )


@dataclass(frozen=True)
class Commit:
    """One commit of a job: the table's version and what was written beside it."""

    version: int
    progress: Progress


class CommitLog:
    """A table's commits, newest first, read from its log without Spark."""

    def __init__(self, root: str) -> None:
        self._root = root

    def commits(self, table: Table, *, after: int = -1) -> list[Commit]:
        """The commits of jobs (not of upkeep) with a version above `after`."""
        held = self._table(table)
        if held is None or held.version() <= after:
            return []
        rows = held.history(held.version() - after)
        return [commit for row in rows if (commit := _commit(row)) and commit.version > after]

    def last(self, table: Table, *, until: int | None = None) -> Commit | None:
        """The newest commit of a job, or the newest with a version of at most `until`; of the log no more than that is read."""
        held = self._table(table)
        if held is None:
            return None
        newest = held.version() if until is None else min(until, held.version())
        count = held.version() - newest + 1
        while True:
            rows = held.history(count)
            found = (commit for row in rows if (commit := _commit(row)) and commit.version <= newest)
            if commit := next(found, None):
                return commit
            if len(rows) < count:
                return None
            count *= 2

    def version(self, table: Table) -> int:
        """The newest version; -1 where the table doesn't exist yet."""
        held = self._table(table)
        return -1 if held is None else held.version()

    def lake_id(self, table: Table) -> str:
        """A mark of the lake that the table lies in, wherever that is moved to; empty where there is no table yet."""
        held = self._table(table)
        return "" if held is None else str(held.metadata().id)

    def _table(self, table: Table) -> DeltaTable | None:
        return delta.opened(f"{self._root}/{table.path}", without_files=True)


def _commit(row: dict[str, Any]) -> Commit | None:
    text = row.get("userMetadata")
    if not text or row.get("version") is None:
        return None
    held = json.loads(text)
    progress = Progress(held["job"], held["through"], held["rules"], tuple(held["days"]), held.get("more", {}))
    return Commit(int(row["version"]), progress)
