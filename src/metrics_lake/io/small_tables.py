"""Tables whose rows fit one process, read and replaced without Spark (delta-rs): figures, and accounts of files.

A commit of Spark costs a second of a cold JVM; figures are as many as buckets of time, not as listeners, so the
process that has them writes them itself in some hundredths.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from pyarrow import compute as pc

from metrics_lake.arrow import arrow_schema, fitted
from metrics_lake.io.failpoints import passing
from metrics_lake.io.history import Progress
from metrics_lake.tables import Table, View


class SmallTables:
    """Reads and replaces tables below one root."""

    def __init__(self, root: str) -> None:
        self._root = root

    def read(self, table: Table | View, where: pc.Expression | None = None) -> pa.Table:
        """Rows that fit `where`; of a view, those of its kind, with the columns that the kind fills."""
        held = table.of if isinstance(table, View) else table
        names = [column.name for column in table.fields]
        if isinstance(table, View):
            kind = pc.field("row_kind") == table.kind
            where = kind if where is None else kind & where
        if not DeltaTable.is_deltatable(self._path(held)):
            schema = arrow_schema(held)
            return pa.schema([schema.field(name) for name in names]).empty_table()
        return DeltaTable(self._path(held)).to_pyarrow_dataset().to_table(columns=names, filter=where)

    def replace(self, table: Table, rows: pl.DataFrame, where: str, progress: Progress) -> None:
        """In one commit: the rows that fit `where` go, `rows` come. Doing it again changes nothing."""
        is_there = DeltaTable.is_deltatable(self._path(table))
        passing(f"replacing {table.name}")
        write_deltalake(
            self._path(table),
            fitted(rows, arrow_schema(table)),
            mode="overwrite",
            predicate=where if is_there else None,
            partition_by=list(table.partitioned_by),
            commit_properties=_noted(progress),
        )
        passing(f"replaced {table.name}")

    def tidy(self, table: Table, past: str | None, vacuum_hours: int, progress: Progress) -> None:
        """Rows that fit `past` go, small files are packed, and files that no version of so many hours holds deleted."""
        held = DeltaTable(self._path(table))
        if past:
            held.delete(past, commit_properties=_noted(progress))
        held.optimize.compact(commit_properties=_noted(progress))
        held.vacuum(vacuum_hours, dry_run=False, enforce_retention_duration=False, full=True)

    def rows(self, table: Table) -> int:
        """How many rows a table has, by its log alone."""
        return DeltaTable(self._path(table)).count() if DeltaTable.is_deltatable(self._path(table)) else 0

    def _path(self, table: Table) -> str:
        return f"{self._root}/{table.path}"


def _noted(progress: Progress) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": progress.as_text()})
