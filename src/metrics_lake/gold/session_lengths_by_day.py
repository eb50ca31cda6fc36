"""How long do people stay?

Grain: tenant, stream, day, length bucket; each session once, in full length, on the day it started (definitions.md
section 6). Catch: a session without a known end stands in the first bucket, so that the counts add up.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.ml.feature import Bucketizer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import stays
from metrics_lake.silver import sessions
from metrics_lake.tables import Metric, Table

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


def compute(days: DataFrame, *, edges_minutes: Sequence[int]) -> DataFrame:
    """From stays by day (net sessions only) to counts; an empty bucket has no row."""
    started = days.where(stays.started_in(F.col("day_starts_at"), F.col("day_ends_at")))
    length = F.coalesce(sessions.length_ms(), F.lit(0)) / F.lit(60_000.0)
    bucketizer = Bucketizer(
        splits=[*map(float, edges_minutes), float("inf")], inputCol="length_minutes", outputCol="place"
    )
    placed = bucketizer.transform(started.withColumn("length_minutes", length))
    edges = F.array(*map(F.lit, edges_minutes))
    return (
        stays.with_whole_tenant(placed.withColumn("at_least_minutes", edges[F.col("place").cast("int")]))
        .groupBy("listened_on", "tenant", "stream", "at_least_minutes")
        .agg(F.count("*").alias("session_count"))
        .select(*TABLE.names)
    )
