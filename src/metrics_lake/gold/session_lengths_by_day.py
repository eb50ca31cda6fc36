"""How long do people stay?

Grain: tenant, stream, day, length bucket; each session once, in full length, on the day it started (definitions.md
section 6). Catch: a session without a known end stands in the first bucket, so that the counts add up.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from pyspark.ml.feature import Bucketizer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import session_buckets as laid
from metrics_lake.model.tables import Metric, Table
from metrics_lake.silver import sessions

TABLE = Table(
    "gold.session_lengths_by_day",
    partitioned_by=("listened_on",),
    columns="""
    listened_on DATE NOT NULL COMMENT 'Day on which the sessions started, on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    at_least_minutes INT NOT NULL COMMENT 'Lower edge of the bucket, included, in minutes'
    session_count BIGINT NOT NULL COMMENT 'Sessions of that length'
    """,
)
METRIC = Metric("session_lengths_by_day", reads=(sessions.TABLE,), writes=TABLE)


def placed(every: DataFrame, *, edges_minutes: Sequence[int]) -> DataFrame:
    """Sessions with `at_least_minutes`: the lower edge of the bucket that their full length lies in."""
    length = F.coalesce(sessions.length_ms(), F.lit(0)) / F.lit(60_000.0)
    bucketizer = Bucketizer(
        splits=[*map(float, edges_minutes), float("inf")], inputCol="length_minutes", outputCol="place"
    )
    found = bucketizer.transform(every.withColumn("length_minutes", length))
    edges = F.array(*map(F.lit, edges_minutes))
    return found.withColumn("at_least_minutes", edges[F.col("place").cast("int")]).drop("length_minutes", "place")


def placed_here(every: pl.DataFrame, *, edges_minutes: Sequence[int]) -> pl.DataFrame:
    """The same for a frame in this process; a test holds it to what Bucketizer finds."""
    edges = pl.Series("at_least_minutes", edges_minutes, dtype=pl.Int32)
    length = (pl.col("ended_at") - pl.col("started_at")).dt.total_milliseconds().fill_null(0) / 60_000
    found = edges.search_sorted(every.select(length=length)["length"], side="right") - 1
    return every.with_columns(edges.gather(found))


def compute(stays: pl.DataFrame) -> pl.DataFrame:
    """From one day's net stays, placed, to counts (stream, at_least_minutes, session_count); an empty bucket has no row."""
    started = laid.with_whole_tenant(stays.filter("is_started"))
    counted = started.group_by("stream", "at_least_minutes").agg(session_count=pl.len().cast(pl.Int64))
    return counted.sort("stream", "at_least_minutes")
