"""The progress that jobs write into their commits, read from a table's log without Spark."""

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

    `watermark` is the newest version or batch that it had read of each input; `rules` is a digest of the settings that its
    rows depend on; `days` are the days that its rows changed.
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
        delta_table = self._table(table)
        if delta_table is None or delta_table.version() <= after:
            return []
        rows = delta_table.history(delta_table.version() - after)
        return [commit for row in rows if (commit := _commit(row)) and commit.version > after]

    def last(self, table: Table, *, until: int | None = None) -> Commit | None:
        """The newest commit of a job, or the newest with a version of at most `until`; of the log no more than that is read."""
        delta_table = self._table(table)
        if delta_table is None:
            return None
        newest = delta_table.version() if until is None else min(until, delta_table.version())
        count = delta_table.version() - newest + 1
        while True:
            rows = delta_table.history(count)
            commits = (commit for row in rows if (commit := _commit(row)) and commit.version <= newest)
            if commit := next(commits, None):
                return commit
            if len(rows) < count:
                return None
            count *= 2

    def version(self, table: Table) -> int:
        """The newest version; -1 where the table doesn't exist yet."""
        delta_table = self._table(table)
        return -1 if delta_table is None else delta_table.version()

    def lake_id(self, table: Table) -> str:
        """A mark of the lake that the table lies in, wherever that is moved to; empty where there is no table yet."""
        delta_table = self._table(table)
        return "" if delta_table is None else str(delta_table.metadata().id)

    def _table(self, table: Table) -> DeltaTable | None:
        return delta.opened(f"{self._root}/{table.path}", without_files=True)


def _commit(row: dict[str, Any]) -> Commit | None:
    text = row.get("userMetadata")
    if not text or row.get("version") is None:
        return None
    noted = json.loads(text)
    progress = Progress(noted["job"], noted["through"], noted["rules"], tuple(noted["days"]), noted.get("more", {}))
    return Commit(int(row["version"]), progress)
