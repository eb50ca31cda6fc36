"""Writes many documents of days and hours by Spark: each partition renders and writes its own.

Rows of gold go to the workers by tenant, stream and week, and only counts come back. A worker calls documents.update_days, as
this process does for few documents, with its own client and the key of its own environment. After an interruption the next
publish writes what is missing, since it compares with the stored documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
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
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.documents.store import DocumentStore, StoreError
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import documents
from metrics_lake.jobs.publish.documents import DocumentCounts
from metrics_lake.jobs.publish.stale import streams_of
from metrics_lake.model.calendars import Calendars
from metrics_lake.serve.data_status import DataStatus

_PARTS_AT_ONCE = 16  # each writes some documents at once by itself
_COUNTS = "written BIGINT, removed BIGINT"
_WORKER_ERROR = re.compile(r"^metrics_lake\.\S+Error: (.+)$", re.MULTILINE)
WritePartition = Callable[[tuple[Any, ...], pa.Table], pa.Table]


class WorkerError(Exception):
    """A worker could not write its documents; the message is the worker's, and says why and what to do."""


def write_days(
    work: JobContext, tenants: Sequence[str], days: Sequence[date], data_status: DataStatus
) -> DocumentCounts:
    """Writes the documents of these days and their hours, of every stream of these tenants; see documents.write_days."""
    work.on_step(f"writing documents of {len(days)} days")
    nothing = DataStatus(data_status.complete_through, data_status.restatement).lost_share  # documents don't have it
    plain = replace(data_status, lost_share=nothing)
    parts = min(_PARTS_AT_ONCE, work.spark_tables.spark.sparkContext.defaultParallelism)
    rows = _rows(work, tenants, days).repartition(parts, "tenant", "stream", "week")
    write = document_writer(work.settings.documents, work.calendars, plain)
    counts = rows.groupBy("tenant", "stream", "week").applyInArrow(write, _COUNTS)
    try:
        total = (
            counts.agg(F.sum("written").alias("written"), F.sum("removed").alias("removed")).toArrow().to_pylist()[0]
        )
    except PySparkException as error:
        message = _WORKER_ERROR.search(str(error))
        raise (WorkerError(message[1]) if message else error) from None
    return DocumentCounts(total["written"] or 0, total["removed"] or 0)


def _rows(work: JobContext, tenants: Sequence[str], days: Sequence[date]) -> DataFrame:
    """Rows of days and hours, and for each stream and day one without figures, so that stale documents are removed too."""
    streams = work.delta_tables.frame(
        listening_by_day.TABLE, pl.col("tenant").is_in(list(tenants)), ("tenant", "stream")
    )
    published = [(tenant, stream) for tenant in tenants for stream in streams_of(work, tenant)]
    named = pl.DataFrame(published, {"tenant": pl.String, "stream": pl.String}, orient="row")
    streams = streams.join(named, on=("tenant", "stream"), how="semi")
    due = streams.unique().sort("tenant", "stream").join(pl.DataFrame({"listened_on": days}), how="cross")
    due_rows = work.spark_tables.spark.createDataFrame(due.rows(), "tenant STRING, stream STRING, listened_on DATE")
    by_day, by_hour = (work.spark_tables.read(table) for table in (listening_by_day.TABLE, listening_by_hour.TABLE))
    rows = by_day.unionByName(by_hour, allowMissingColumns=True)
    rows = rows.where(F.col("listened_on").isin(list(days)) & F.col("tenant").isin(list(tenants)))
    rows = rows.join(F.broadcast(due_rows.select("tenant", "stream").distinct()), ["tenant", "stream"], "left_semi")
    week = F.date_trunc("week", "listened_on").cast("date")
    return rows.unionByName(due_rows, allowMissingColumns=True).withColumn("week", week)


def document_writer(config: Documents, calendars: Calendars, data_status: DataStatus) -> WritePartition:
    """The function by which a worker writes the rows of one tenant, stream and week. It contains no key."""

    def write(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        tenant, stream = (value.as_py() for value in key[:2])
        frame = pl.from_arrow(rows)
        assert isinstance(frame, pl.DataFrame)
        days = frame["listened_on"].unique().sort().to_list()
        figures = frame.filter(pl.col("sessions_started").is_not_null())
        by_day, by_hour = (figures.filter(pl.col("hour_at").is_null() == is_day).to_dicts() for is_day in (True, False))
        try:
            store = _store(config.model_dump_json())
            counts = documents.update_days(
                store, tenant, stream, calendars.by_tenant[tenant], days, by_day, by_hour, data_status
            )
        except (StoreError, SettingsError) as error:
            raise type(error)(str(error)) from None  # its cause may contain an address
        return pa.table({"written": [counts.written], "removed": [counts.removed]})

    return write


@cache
def _store(config: str) -> DocumentStore:
    """The one client of a worker's process, with the key of its environment."""
    return open_document_store(Settings(documents=Documents.model_validate_json(config)))
