"""A micro-batch of a feed into a Delta table: written once, however often it is replayed.

Rows of files that are read again replace those that they had, in the same commit. A file that can't be read at that moment
keeps its old rows.

The table's log says which batch of which query it holds (Delta's `txn`), so a batch that is replayed after a crash is
skipped. A small one is written by this process: Spark's own writer takes some seconds of a cold JVM for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, Transaction
from deltalake.exceptions import DeltaError
from py4j.protocol import Py4JJavaError

from metrics_lake.config.storage_urls import uri_of
from metrics_lake.io.lake import delta
from metrics_lake.io.landing.manifest import Batch
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.model.arrow import arrow_schema, with_sound_lists
from metrics_lake.model.feeds import FILE
from metrics_lake.model.tables import Table
from metrics_lake.sources.landed_file import QUARANTINED

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyspark.sql import DataFrame

_is_unreadable = (pc.field("row_kind") == FILE) & (pc.field("status") == QUARANTINED)
_TOO_LARGE = "spark.driver.maxResultSize"  # which bounds what a job may bring home


@dataclass(frozen=True)
class Replaced:
    """Which rows of the table the rows of a micro-batch replace: those of these files, in a range of batches that prunes."""

    file_ids: frozenset[str]
    first: int
    last: int
    new: int

    def where(self, kept: frozenset[str]) -> str:
        """The condition for all of them but the files `kept`; it holds for the new rows too, from batch `new` on."""
        ids = ", ".join(repr(file_id) for file_id in sorted(self.file_ids - kept)) or "''"
        return (
            f"file_id IN ({ids}) AND (batch_number BETWEEN {self.first} AND {self.last} OR batch_number >= {self.new})"
        )


def replaced(batches: Sequence[Batch]) -> Replaced | None:
    """What these batches replace, which are read together; None where all of their files are new."""
    agains = [batch.again for batch in batches if batch.again]
    if not agains:
        return None
    ids = frozenset(file_id for again in agains for file_id in again.file_ids)
    first, last = min(again.first for again in agains), max(again.last for again in agains)
    return Replaced(ids, first, last, min(batch.number for batch in batches))


def _without_comments_of(delta_table: DeltaTable, rows: pa.Table) -> pa.Table:
    """The rows without the comments of columns that the table has: its own stay, and another text could not be merged."""
    known = {field.name for field in delta_table.schema().fields}
    fields = [field.remove_metadata() if field.name in known else field for field in rows.schema]
    return rows.cast(pa.schema(fields))


class Sink:
    """What a query calls with each batch. `error` is the error of a failed write, of which Spark would pass on only a text.

    `batches` gives the batches of the manifest that a micro-batch reads.
    """

    def __init__(
        self,
        table: Table,
        place: str,
        query: Callable[[], str],
        *,
        is_small: bool,
        batches: Callable[[int], Sequence[Batch]] = lambda number: (),
    ) -> None:
        self._table, self._place, self._query, self._is_small = table, place, query, is_small
        self._batches = batches
        self.error: OSError | DeltaError | AzureError | None = None

    def __call__(self, rows: DataFrame, number: int) -> None:
        again = replaced(self._batches(number))
        collected = self._collected(rows) if self._is_small else None
        if collected is None:
            self._replace_by_spark(rows, number, again) if again else self._write_by_spark(rows, number)
            return
        try:
            self.write_here(collected, number, again)
        except (OSError, DeltaError, AzureError) as error:
            self.error = error
            raise

    def _collected(self, rows: DataFrame) -> pa.Table | None:
        """The rows, if this process can hold them: a file may unfold to far more than its packed size let expect."""
        try:
            return with_sound_lists(rows.toArrow().cast(arrow_schema(self._table)))
        except Py4JJavaError as error:
            if _TOO_LARGE in str(error):
                return None
            raise

    def write_here(self, rows: pa.Table, number: int, again: Replaced | None = None) -> None:
        """Writes rows that this process has; `again` says what they replace."""
        query = self._query()
        delta_table = delta.opened(self._place)
        done = delta_table.transaction_version(query) if delta_table else None
        if done is not None and done >= number:
            return
        mode: dict[str, Any] = {"mode": "append"}
        if again:
            kept = frozenset(rows.filter(_is_unreadable)["file_id"].to_pylist())
            rows = rows.filter(~pc.is_in(pc.field("file_id"), pa.array(sorted(kept), pa.string())))
            mode = {"mode": "overwrite", "predicate": again.where(kept)}
        delta.write(
            self._place,
            _without_comments_of(delta_table, rows) if delta_table else rows,
            **mode,
            schema_mode="merge",  # a column that this version brings
            partition_by=list(self._table.partitioned_by),
            configuration=self._table.properties,
            commit_properties=CommitProperties(app_transactions=[Transaction(query, number)]),
        )

    def _replace_by_spark(self, rows: DataFrame, number: int, again: Replaced) -> None:
        from pyspark.sql import functions as F

        rows = rows.persist()
        is_unreadable = (F.col("row_kind") == FILE) & (F.col("status") == QUARANTINED)
        kept = frozenset(row.file_id for row in rows.where(is_unreadable).select("file_id").distinct().collect())
        self._write_by_spark(rows.where(~F.col("file_id").isin(sorted(kept))), number, again.where(kept))
        rows.unpersist()

    def _write_by_spark(self, rows: DataFrame, number: int, where: str | None = None) -> None:
        """Appends the rows, or puts them in place of those that fit `where`."""
        (
            rows.write.format("delta")
            .mode("overwrite" if where else "append")
            .options(**({"replaceWhere": where} if where else {}))
            .partitionBy(*self._table.partitioned_by)
            .option("mergeSchema", True)
            .options(**self._table.properties)
            .option("txnAppId", self._query())
            .option("txnVersion", number)
            .save(uri_of(self._place))
        )
