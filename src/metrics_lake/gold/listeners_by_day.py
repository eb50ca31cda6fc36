"""Which listeners were there on each day, in which hours, and on what?

Grain: tenant, stream, day, listener. From it the exact uniques of any named period follow without going back to
sessions. Catch: it holds hashes of listeners; it is not published.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import stays
from metrics_lake.gold.dimensions_by_day import values
from metrics_lake.silver import sessions
from metrics_lake.tables import Metric, Table

TABLE = Table(
    "gold.listeners_by_day",
    partitioned_by=("listened_on",),
    keep=timedelta(days=1100),
    columns="""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    listener_id STRING NOT NULL COMMENT 'Keyed one-way hash of address and user agent'
    hours INT NOT NULL COMMENT 'Hours of the day in which the listener was there, bit 0 for the hour from 00:00'
    dimension_values ARRAY<STRUCT<dimension: STRING, dimension_value: STRING>> NOT NULL COMMENT 'Values of the sessions'
    """,
)
METRIC = Metric("listeners_by_day", reads=(sessions.TABLE,), writes=TABLE)


def compute(days: DataFrame) -> DataFrame:
    """From stays by day (net sessions only) to one row a listener."""
    touched = F.filter(
        "hours",
        lambda h: (
            ((F.col("started_at") < h["hour_ends_at"]) & (F.col("ended_at") > h["hour_at"]))
            | ((F.col("started_at") >= h["hour_at"]) & (F.col("started_at") < h["hour_ends_at"]))
        ),
    )
    bits = F.aggregate(touched, F.lit(0), lambda acc, h: acc.bitwiseOR(F.pow(F.lit(2), h["hour_of_day"]).cast("int")))
    rows = stays.with_whole_tenant(days.withColumn("valued", values()).withColumn("bits", bits))
    return (
        rows.groupBy("listened_on", "tenant", "stream", "listener_id")
        .agg(
            F.bit_or("bits").alias("hours"),
            F.array_sort(F.array_distinct(F.flatten(F.collect_set("valued")))).alias("dimension_values"),
        )
        .select(*TABLE.names)
    )
