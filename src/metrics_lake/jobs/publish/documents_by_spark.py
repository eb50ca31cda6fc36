"""Documents of many days and hours into Cosmos DB, dealt out by Spark: each part makes and writes its own.

Rows of gold go to the workers by tenant, stream and week, and only counts come back. A worker does what this process does
with few (documents.renew_days), with a client of its own, whose key it finds in its own environment. What was cut short is
healed by the next publish, which compares with what stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from typing import Any

import polars as pl
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.config.settings import Documents, Settings, SettingsError
from metrics_lake.gold import listening_by_day, listening_by_hour
from metrics_lake.io.documents.cosmos import CosmosError
from metrics_lake.io.documents.open_store import cosmos_of
from metrics_lake.io.documents.sizes import DocumentError
from metrics_lake.io.documents.store import DocumentStore
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import documents
from metrics_lake.jobs.publish.documents import Renewed
from metrics_lake.model.calendars import Calendars
from metrics_lake.serve.rollup.rollup import DataStatus

_PARTS_AT_ONCE = 16  # each writes some documents at once by itself
_COUNTS = "written BIGINT, removed BIGINT"
_SAID = re.compile(r"^metrics_lake\.\S+Error: (.+)$", re.MULTILINE)
Writing = Callable[[tuple[Any, ...], pa.Table], pa.Table]


class DealtError(Exception):
    """A worker could not write its documents; the message is the worker's own, which says why and what to do."""


def write_days(work: JobContext, tenants: Sequence[str], days: Sequence[date], data_status: DataStatus) -> Renewed:
    """The days that are due and their hours, of every stream of these tenants that ever had any; see documents.write_days."""
    work.on_step(f"writing documents of {len(days)} days")
    plain = DataStatus(data_status.complete_through, data_status.restatement)  # all that a document says of it
    parts = min(_PARTS_AT_ONCE, work.spark_tables.spark.sparkContext.defaultParallelism)
    rows = _rows(work, tenants, days).repartition(parts, "tenant", "stream", "week")
    write = writing(work.settings.documents, work.calendars, plain)
    counts = rows.groupBy("tenant", "stream", "week").applyInArrow(write, _COUNTS)
    try:
        total = (
            counts.agg(F.sum("written").alias("written"), F.sum("removed").alias("removed")).toArrow().to_pylist()[0]
        )
    except PySparkException as error:
        said = _SAID.search(str(error))
        raise (DealtError(said[1]) if said else error) from None
    return Renewed(total["written"] or 0, total["removed"] or 0)


def _rows(work: JobContext, tenants: Sequence[str], days: Sequence[date]) -> DataFrame:
    """Days, hours, and of each stream and day that is due a row without figures, so that what is gone is looked for too."""
    named = work.delta_tables.frame(listening_by_day.TABLE, pl.col("tenant").is_in(list(tenants)), ("tenant", "stream"))
    due = named.unique().sort("tenant", "stream").join(pl.DataFrame({"listened_on": days}), how="cross")
    due_rows = work.spark_tables.spark.createDataFrame(due.rows(), "tenant STRING, stream STRING, listened_on DATE")
    by_day, by_hour = (work.spark_tables.read(table) for table in (listening_by_day.TABLE, listening_by_hour.TABLE))
    every = by_day.unionByName(by_hour, allowMissingColumns=True)
    wanted = every.where(F.col("listened_on").isin(list(days)) & F.col("tenant").isin(list(tenants)))
    week = F.date_trunc("week", "listened_on").cast("date")
    return wanted.unionByName(due_rows, allowMissingColumns=True).withColumn("week", week)


def writing(places: Documents, calendars: Calendars, data_status: DataStatus) -> Writing:
    """What a worker does with the rows of a tenant's stream and week. It carries no key."""

    def write(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        tenant, stream = (value.as_py() for value in key[:2])
        frame = pl.from_arrow(rows)
        assert isinstance(frame, pl.DataFrame)
        days = frame["listened_on"].unique().sort().to_list()
        figures = frame.filter(pl.col("sessions_started").is_not_null())
        by_day, by_hour = (figures.filter(pl.col("hour_at").is_null() == is_day).to_dicts() for is_day in (True, False))
        try:
            store = _store(places.endpoint, places.database)
            done = documents.renew_days(
                store, tenant, stream, calendars.by_tenant[tenant], days, by_day, by_hour, data_status
            )
        except (CosmosError, DocumentError, SettingsError) as error:
            raise type(error)(str(error)) from None  # what lies behind it may hold an address
        return pa.table({"written": [done.written], "removed": [done.removed]})

    return write


@cache
def _store(endpoint: str, database: str) -> DocumentStore:
    """One client for all that a worker's process writes, its key from the environment there."""
    return cosmos_of(Settings(documents=Documents(store="cosmos", endpoint=endpoint, database=database)))
