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
        return self._rows(table, where).select(list(columns or (column.name for column in table.fields))).collect()

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

    def delete(self, table: Table, where: str, progress: Progress | None) -> None:
        """In one commit: the rows that fit `where` go. The commit repeats `progress`, if there is any."""
        if delta_table := delta.opened(self._path(table)):
            delta_table.delete(where, commit_properties=_noted(progress) if progress else None)

    def tidy(self, table: Table, past: str | None, vacuum_hours: int, progress: Progress | None) -> None:
        """Deletes rows that fit `past`, compacts small files, and deletes files that no version of the last `vacuum_hours` has.

        Each commit of it repeats `progress`, if there is any.
        """
        delta_table, noted = delta.opened(self._path(table)), _noted(progress) if progress else None
        if delta_table is None:
            return
        if past:
            delta_table.delete(past, commit_properties=noted)
        delta_table.optimize.compact(commit_properties=noted)
        delta_table.vacuum(
            vacuum_hours, dry_run=False, enforce_retention_duration=False, full=True, commit_properties=noted
        )

    def count(self, table: Table | View, where: pl.Expr | None = None) -> int:
        """How many rows fit `where`."""
        return int(self._rows(table, where).select(pl.len()).collect().item())

    def purge(self, table: Table) -> None:
        """Deletes every file that is not in the newest version: those of older versions, and what a crash left."""
        if delta_table := delta.opened(self._path(table)):
            delta_table.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)

    def _rows(self, table: Table | View, where: pl.Expr | None) -> pl.LazyFrame:
        """Polars leaves out files by Delta's statistics and reads many small ones in a fifth of the time that Arrow takes."""
        whole = table.table if isinstance(table, View) else table
        scanned = delta.scanned(self._path(whole))
        rows = pl.LazyFrame(schema=polars_schema(whole)) if scanned is None else delta.with_all_columns(scanned, whole)
        if isinstance(table, View):
            rows = rows.filter(pl.col("row_kind") == table.kind)
        return rows if where is None else rows.filter(where)

    def _path(self, table: Table) -> str:
        return f"{self._root}/{table.path}"


def _noted(progress: Progress) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": progress.as_text()})
