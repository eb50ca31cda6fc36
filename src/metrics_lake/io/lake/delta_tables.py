"""Tables, or parts of them, that fit one process: read and replaced without Spark (delta-rs).

A commit of Spark costs a second of a cold JVM, its first query some more. Figures are as many as buckets of time, not
as listeners, and an hour's sessions are few: the process that has them writes them itself in some hundredths.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from deltalake import CommitProperties

from metrics_lake.io.lake import delta
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.io.storage.failpoints import passing
from metrics_lake.model.arrow import arrow_schema, fitted, polars_schema
from metrics_lake.model.tables import Table, View


class DeltaTables:
    """Reads and replaces tables below one root."""

    def __init__(self, root: str) -> None:
        self._root = root

    def frame(
        self, table: Table | View, where: pl.Expr | None = None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Rows that fit `where`; of a view, those of its kind, with the columns that the kind fills."""
        held = self._held(table, where)
        return held.select(list(columns or (column.name for column in table.fields))).collect()

    def replace(self, table: Table, rows: pl.DataFrame, where: str, progress: Progress) -> None:
        """In one commit: the rows that fit `where` go, `rows` come. Doing it again changes nothing."""
        is_there = delta.opened(self._path(table), without_files=True) is not None
        passing(f"replacing {table.name}")
        delta.write(
            self._path(table),
            fitted(rows, arrow_schema(table)),
            mode="overwrite",
            schema_mode="merge",
            predicate=where if is_there else None,
            partition_by=list(table.partitioned_by),
            configuration=None if is_there else table.properties,
            commit_properties=_noted(progress),
        )
        passing(f"replaced {table.name}")

    def tidy(self, table: Table, past: str | None, vacuum_hours: int, progress: Progress | None) -> None:
        """Rows that fit `past` go, small files are packed, and files that no version of so many hours holds deleted.

        Each commit of it repeats `progress`, if there is any.
        """
        held, noted = delta.opened(self._path(table)), _noted(progress) if progress else None
        if held is None:
            return
        if past:
            held.delete(past, commit_properties=noted)
        held.optimize.compact(commit_properties=noted)
        held.vacuum(vacuum_hours, dry_run=False, enforce_retention_duration=False, full=True, commit_properties=noted)

    def count(self, table: Table | View, where: pl.Expr | None = None) -> int:
        """How many rows fit `where`."""
        return int(self._held(table, where).select(pl.len()).collect().item())

    def purge(self, table: Table) -> None:
        """Every file goes that the newest version doesn't hold: those of older versions, and what a crash left."""
        if held := delta.opened(self._path(table)):
            held.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)

    def _held(self, table: Table | View, where: pl.Expr | None) -> pl.LazyFrame:
        """Polars leaves out files by Delta's statistics and reads many small ones in a fifth of the time that Arrow takes."""
        whole = table.of if isinstance(table, View) else table
        found = delta.scanned(self._path(whole))
        held = pl.LazyFrame(schema=polars_schema(whole)) if found is None else delta.with_all_columns(found, whole)
        if isinstance(table, View):
            held = held.filter(pl.col("row_kind") == table.kind)
        return held if where is None else held.filter(where)

    def _path(self, table: Table) -> str:
        return f"{self._root}/{table.path}"


def _noted(progress: Progress) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": progress.as_text()})
