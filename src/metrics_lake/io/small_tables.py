"""Tables, or parts of them, that fit one process: read and replaced without Spark (delta-rs).

A commit of Spark costs a second of a cold JVM, its first query some more. Figures are as many as buckets of time, not
as listeners, and an hour's sessions are few: the process that has them writes them itself in some hundredths.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from pyarrow import compute as pc
from pyarrow.dataset import Dataset

from metrics_lake.arrow import arrow_schema, fitted
from metrics_lake.io.failpoints import passing
from metrics_lake.io.history import Progress
from metrics_lake.tables import Table, View


class SmallTables:
    """Reads and replaces tables below one root."""

    def __init__(self, root: str) -> None:
        self._root = root

    def read(
        self, table: Table | View, where: pc.Expression | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Rows that fit `where`; of a view, those of its kind, with the columns that the kind fills."""
        names = list(columns or (column.name for column in table.fields))
        held = self._dataset(table)
        if held is None:
            schema = arrow_schema(table.of if isinstance(table, View) else table)
            return pa.schema([schema.field(name) for name in names]).empty_table()
        return held.to_table(columns=names, filter=_of(table, where))

    def frame(
        self, table: Table | View, where: pc.Expression | None = None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The same as a frame of Polars."""
        found = pl.from_arrow(self.read(table, where, columns))
        assert isinstance(found, pl.DataFrame)
        return found

    def replace(self, table: Table, rows: pl.DataFrame, where: str, progress: Progress) -> None:
        """In one commit: the rows that fit `where` go, `rows` come. Doing it again changes nothing."""
        is_there = DeltaTable.is_deltatable(self._path(table))
        passing(f"replacing {table.name}")
        write_deltalake(
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

    def tidy(self, table: Table, past: str | None, vacuum_hours: int, progress: Progress) -> None:
        """Rows that fit `past` go, small files are packed, and files that no version of so many hours holds deleted."""
        held = DeltaTable(self._path(table))
        if past:
            held.delete(past, commit_properties=_noted(progress))
        held.optimize.compact(commit_properties=_noted(progress))
        held.vacuum(vacuum_hours, dry_run=False, enforce_retention_duration=False, full=True)

    def purge(self, table: Table) -> None:
        """Every file goes that the newest version doesn't hold: those of older versions, and what a crash left."""
        if DeltaTable.is_deltatable(self._path(table)):
            held = DeltaTable(self._path(table))
            held.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)

    def rows(self, table: Table | View, where: pc.Expression | None = None) -> int:
        """How many rows lie in the files that may hold some that fit: none of them is read, so it may be too many."""
        held = self._dataset(table)
        fragments = held.get_fragments(filter=_of(table, where)) if held else ()
        return sum(fragment.metadata.num_rows for fragment in fragments)

    def _dataset(self, table: Table | View) -> Dataset | None:
        path = self._path(table.of if isinstance(table, View) else table)
        return DeltaTable(path).to_pyarrow_dataset() if DeltaTable.is_deltatable(path) else None

    def _path(self, table: Table) -> str:
        return f"{self._root}/{table.path}"


def _of(table: Table | View, where: pc.Expression | None) -> pc.Expression | None:
    if not isinstance(table, View):
        return where
    kind = pc.field("row_kind") == table.kind
    return kind if where is None else kind & where


def _noted(progress: Progress) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": progress.as_text()})
