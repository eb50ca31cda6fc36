"""A micro-batch of a feed into a Delta table: written once, however often it is replayed.

The table's log says which batch of which query it holds (Delta's `txn`), so a batch that is replayed after a crash is
skipped. A small one is written by this process: Spark's own writer takes some seconds of a cold JVM for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import CommitProperties, Transaction
from deltalake.exceptions import DeltaError
from py4j.protocol import Py4JJavaError

from metrics_lake.config.storage_urls import uri_of
from metrics_lake.io.lake import delta
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.model.arrow import arrow_schema
from metrics_lake.model.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_TOO_LARGE = "spark.driver.maxResultSize"  # which bounds what a job may bring home


class Sink:
    """What a query calls with each batch. `error` is the error of a failed write, of which Spark would pass on only a text."""

    def __init__(self, table: Table, place: str, query: Callable[[], str], *, is_small: bool) -> None:
        self._table, self._place, self._query, self._is_small = table, place, query, is_small
        self.error: OSError | DeltaError | AzureError | None = None

    def __call__(self, rows: DataFrame, number: int) -> None:
        collected = self._collected(rows) if self._is_small else None
        if collected is None:
            self._write_by_spark(rows, number)
            return
        try:
            self._write_here(collected, number)
        except (OSError, DeltaError, AzureError) as error:
            self.error = error
            raise

    def _collected(self, rows: DataFrame) -> pa.Table | None:
        """The rows, if this process can hold them: a file may unfold to far more than its packed size let expect."""
        try:
            return rows.toArrow().cast(arrow_schema(self._table))
        except Py4JJavaError as error:
            if _TOO_LARGE in str(error):
                return None
            raise

    def _write_here(self, rows: pa.Table, number: int) -> None:
        query = self._query()
        delta_table = delta.opened(self._place)
        done = delta_table.transaction_version(query) if delta_table else None
        if done is not None and done >= number:
            return
        delta.write(
            self._place,
            rows,
            mode="append",
            schema_mode="merge",  # a column that this version brings
            partition_by=list(self._table.partitioned_by),
            configuration=self._table.properties,
            commit_properties=CommitProperties(app_transactions=[Transaction(query, number)]),
        )

    def _write_by_spark(self, rows: DataFrame, number: int) -> None:
        (
            rows.write.format("delta")
            .mode("append")
            .partitionBy(*self._table.partitioned_by)
            .option("mergeSchema", True)
            .options(**self._table.properties)
            .option("txnAppId", self._query())
            .option("txnVersion", number)
            .save(uri_of(self._place))
        )
