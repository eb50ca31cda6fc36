"""The figures that every bucket of time has (definitions.md section 4), from stays and minutes laid into buckets."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import stays

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


def summed(laid: DataFrame, minutes: DataFrame, bucket: tuple[str, ...], *, starts: Column, ends: Column) -> DataFrame:
    """One row for each tenant, stream and bucket. `laid` are stays (excluded ones too), `minutes` has the same bucket."""
    keys = ("tenant", "stream", *bucket)
    rows = stays.with_whole_tenant(laid)
    net = rows.where("exclusion IS NULL").groupBy(*keys).agg(*_figures(starts, ends))
    out = rows.where(F.col("exclusion").isNotNull() & stays.started_in(starts, ends))
    reasons = out.groupBy(*keys, "exclusion").agg(F.count("*").alias("number"))
    pairs = F.map_from_entries(F.array_sort(F.collect_list(F.struct("exclusion", "number"))))
    excluded = reasons.groupBy(*keys).agg(pairs.alias("excluded"))
    peaks = minutes.groupBy(*keys).agg(_peak().alias("peak"))
    joined = net.join(excluded, list(keys), "full_outer").join(peaks, list(keys), "left")
    counts = [F.coalesce(F.col(name), F.lit(0)).alias(name) for name in _COUNTS]
    return joined.select(
        *keys,
        *counts,
        *(F.coalesce(F.col(name), F.lit(0.0)).alias(name) for name in ("listening_seconds", "length_seconds")),
        "unique_sketch",
        F.coalesce(-F.col("peak.below"), F.lit(0)).cast("int").alias("peak_listeners"),
        F.col("peak.minute_at").alias("peak_at"),
        F.coalesce("excluded", F.map_from_entries(F.array().cast("array<struct<k:string,v:bigint>>"))).alias(
            "excluded"
        ),
    )


_COUNTS = ("sessions_started", "sessions_completed", "sessions_active", "unique_listeners", "length_count", "again")


def _figures(starts: Column, ends: Column) -> list[Column]:
    started = stays.started_in(starts, ends)
    length = (F.unix_millis("ended_at") - F.unix_millis("started_at")) / F.lit(1000.0)
    return [
        F.count_if(started).alias("sessions_started"),
        F.count_if(stays.ended_in(starts, ends)).alias("sessions_completed"),
        F.count("*").alias("sessions_active"),
        F.count_if(F.col("started_at") < F.col("before_ends_at")).alias("again"),
        F.sum(stays.seconds()).alias("listening_seconds"),
        F.count_distinct("listener_id").alias("unique_listeners"),
        F.theta_sketch_agg("listener_id", SKETCH_LOG_ENTRIES).alias("unique_sketch"),
        F.sum(F.when(started, length)).alias("length_seconds"),
        F.count(F.when(started, length)).alias("length_count"),
    ]


def _peak() -> Column:
    return F.min(F.struct((-F.col("peak_listeners")).alias("below"), "minute_at"))
