"""The figures that every bucket of time has (definitions.md section 4), from stays and minutes laid into buckets."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import stays
from metrics_lake.silver.sessions import EXCLUSIONS, length_ms

SKETCH_LOG_ENTRIES = 12  # 4,096 entries: at most 1.6 % standard error (definitions.md section 7)

COLUMNS = """
    sessions_started BIGINT NOT NULL COMMENT 'Sessions whose start lies in the bucket'
    sessions_completed BIGINT NOT NULL COMMENT 'Sessions whose end lies in the bucket'
    sessions_active BIGINT NOT NULL COMMENT 'Sessions that overlap the bucket'
    listening_seconds DOUBLE NOT NULL COMMENT 'Listening inside the bucket, summed over sessions'
    unique_listeners BIGINT NOT NULL COMMENT 'Distinct listeners with a session that overlaps the bucket'
    unique_sketch BINARY COMMENT 'The same listeners as a Theta sketch of 4096 entries'
    peak_listeners INT NOT NULL COMMENT 'Most listeners at one instant of the bucket'
    peak_at TIMESTAMP COMMENT 'First minute with that many, UTC; null where nobody listened'
    length_seconds DOUBLE NOT NULL COMMENT 'Full length of the sessions started in the bucket, summed'
    length_count BIGINT NOT NULL COMMENT 'How many of those sessions have a known end'
    excluded MAP<STRING, BIGINT> NOT NULL COMMENT 'Sessions started in the bucket that are not counted, by reason'
"""


_SUMS = ("sessions_started", "sessions_completed", "sessions_active", "again", "length_count")
_SECONDS = ("listening", "length")  # in milliseconds until they are summed


def summed(laid: DataFrame, minutes: DataFrame, bucket: tuple[str, ...], *, starts: Column, ends: Column) -> DataFrame:
    """One row for each tenant, stream and bucket. `laid` are stays, excluded ones too; `minutes` has the same bucket.

    First by listener, then over listeners: so uniques are a count, and no distinct is needed.
    """
    keys = ("tenant", "stream", *bucket)
    by_listener = stays.with_whole_tenant(laid).groupBy(*keys, "listener_id").agg(*_figures(starts, ends))
    totals = by_listener.groupBy(*keys).agg(
        *(F.sum(name).alias(name) for name in (*_SUMS, *_SECONDS, *EXCLUSIONS)),
        F.count_if("is_net").alias("unique_listeners"),
        F.theta_sketch_agg(F.when(F.col("is_net"), F.col("listener_id")), SKETCH_LOG_ENTRIES).alias("unique_sketch"),
    )
    peaks = minutes.groupBy(*keys).agg(_peak().alias("peak"))
    joined = totals.join(peaks, list(keys), "left")
    return joined.select(
        *keys,
        *_SUMS,
        *(stays.seconds(F.col(name)).alias(f"{name}_seconds") for name in _SECONDS),
        "unique_listeners",
        "unique_sketch",
        F.coalesce(-F.col("peak.below"), F.lit(0)).cast("int").alias("peak_listeners"),
        F.col("peak.minute_at").alias("peak_at"),
        _excluded().alias("excluded"),
    )


def _figures(starts: Column, ends: Column) -> list[Column]:
    """What one listener adds to a bucket."""
    is_net, started = F.col("exclusion").isNull(), stays.started_in(starts, ends)
    length = length_ms()
    return [
        F.count_if(is_net & started).alias("sessions_started"),
        F.count_if(is_net & stays.ended_in(starts, ends)).alias("sessions_completed"),
        F.count_if(is_net).alias("sessions_active"),
        F.count_if(is_net & (F.col("started_at") < F.col("before_ends_at"))).alias("again"),
        F.sum(F.when(is_net, stays.milliseconds()).otherwise(0)).alias("listening"),
        F.sum(F.coalesce(F.when(is_net & started, length), F.lit(0))).alias("length"),
        F.count(F.when(is_net & started, length)).alias("length_count"),
        F.bool_or(is_net).alias("is_net"),
        *(F.count_if((F.col("exclusion") == reason) & started).alias(reason) for reason in EXCLUSIONS),
    ]


def _excluded() -> Column:
    counted = F.map_from_arrays(F.array(*map(F.lit, EXCLUSIONS)), F.array(*map(F.col, EXCLUSIONS)))
    return F.map_filter(counted, lambda _, number: number > 0)


def _peak() -> Column:
    return F.min(F.struct((-F.col("peak_listeners")).alias("below"), "minute_at"))
