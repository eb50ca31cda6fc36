"""Who listened to what, from when to when, without a break?

Grain: one session. A session is a merge of intervals (definitions.md section 2), so any order, any split into
batches and any repetition of the input gives the same rows. Catch: a late piece may lengthen a session or join two.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from metrics_lake.settings import Sessions
from metrics_lake.tables import Table

TABLE = Table(
    "silver.sessions",
    partitioned_by=("started_on",),
    keep=timedelta(days=1100),
    columns="""
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream of the tenant'
    protocol STRING NOT NULL COMMENT 'hls, icecast or tcp'
    session_id STRING NOT NULL COMMENT 'Hash of tenant, stream, listener_id and started_at, 32 hex digits'
    listener_id STRING NOT NULL COMMENT 'Keyed one-way hash of address and user agent, 32 hex digits'
    started_on DATE NOT NULL COMMENT 'UTC day of started_at'
    started_at TIMESTAMP NOT NULL COMMENT 'When the first request was accepted, UTC'
    ended_at TIMESTAMP COMMENT 'End, exclusive, UTC; null where only the start is known (logasap)'
    last_request_at TIMESTAMP NOT NULL COMMENT 'When the last request was accepted, UTC'
    request_count BIGINT NOT NULL COMMENT 'Requests that show the listening'
    media_count BIGINT NOT NULL COMMENT 'Those of them for media'
    byte_count BIGINT NOT NULL COMMENT 'Bytes sent to the client, heads included'
    exclusion STRING COMMENT 'Why the session is not counted (definitions.md section 3); null where it is'
    is_marathon BOOLEAN NOT NULL COMMENT 'Longer than 24 hours'
    player STRING COMMENT 'Family of the player or browser'
    player_version STRING COMMENT 'Its major version'
    os STRING COMMENT 'Operating system family'
    device STRING COMMENT 'Device class'
    country STRING COMMENT 'ISO 3166 country of the address'
    region STRING COMMENT 'ISO 3166-2 region of the address'
    network STRING COMMENT 'Kind of network: hosting or access'
    source STRING COMMENT 'Where the listener came from: host of the first referrer, or the app; direct where none was told'
    source_group STRING COMMENT 'direct, search, social, own site, app or other'
    """,
)

KEY = ("tenant", "stream", "listener_id")
EXCLUSIONS = ("bot", "monitor", "relay", "no_user_agent", "internal", "no_media", "too_short")  # the first that fits
_ROW = ("file_id", *KEY, "first_at")
_DESCRIBED = (
    "protocol", "has_agent", "client_kind", "is_internal", "player", "player_version", "os", "device", "country",
    "region", "network",
)  # fmt: skip
_CAME_FROM = ("source", "source_group")
_ARRAYS = ("offsets_ms", "durations_ms", "sizes_bytes", "request_kinds", "line_ids")
_SEGMENT = 1
_DAY_MS = 24 * 3600 * 1000


def refine(visits: DataFrame, *, rules: Sessions) -> DataFrame:
    """Sessions from runs of requests. `visits` holds every run of each session it touches, repeated as often as it came."""
    runs = visits.where("is_evidence")
    pieces = _plain(runs).unionByName(_contested(runs))
    return _described(_merged(pieces, rules), rules).select(*TABLE.names)


def _overlapping(runs: DataFrame) -> DataFrame:
    """Adds run_count: how many runs of the listener overlap in time with this one, one after the other, itself included.

    Runs that overlap may hold the same line twice: one file under two names, two proxies' logs, a file that grew.
    """
    by_time = Window.partitionBy(*KEY).orderBy("first_at", "last_request_at", "file_id")
    before = F.max("last_request_at").over(by_time.rowsBetween(Window.unboundedPreceding, -1))
    begins = F.when(F.col("first_at") <= before, 0).otherwise(1)
    group = F.sum("begins").over(by_time)
    grouped = runs.select(*_ROW, "last_request_at", begins.alias("begins")).withColumn("run_group", group)
    return grouped.withColumn("run_count", F.count("*").over(Window.partitionBy(*KEY, "run_group")))


def _plain(runs: DataFrame) -> DataFrame:
    single = _overlapping(runs).where("run_count = 1").select(*_ROW)
    return _piece(runs.drop(*_ARRAYS).join(single, list(_ROW), "left_semi"))


def _contested(runs: DataFrame) -> DataFrame:
    """Overlapping runs taken apart into their requests, each line once."""
    several = _overlapping(runs).where("run_count > 1").select(*_ROW).distinct()
    requests = runs.join(several, list(_ROW), "left_semi").select(
        *KEY, *_DESCRIBED, *_CAME_FROM, "first_at", "segment_seconds", F.inline(F.arrays_zip(*_ARRAYS))
    )
    single = requests.dropDuplicates([*KEY, "line_ids"])
    is_segment = F.col("request_kinds") == _SEGMENT
    accepted_ms = F.unix_millis("first_at") + F.col("offsets_ms")
    extension_ms = F.when(is_segment, F.round(F.col("segment_seconds") * 1000).cast("bigint")).otherwise(0)
    return _piece(
        single.select(
            *KEY,
            *_DESCRIBED,
            *_CAME_FROM,
            F.timestamp_millis(accepted_ms).alias("first_at"),
            F.timestamp_millis(accepted_ms).alias("last_request_at"),
            F.timestamp_millis(accepted_ms + F.coalesce("durations_ms", F.lit(0)) + extension_ms).alias("last_at"),
            (F.col("durations_ms").isNotNull() | is_segment).alias("has_end"),
            F.lit(1).cast("bigint").alias("request_count"),
            (~F.col("request_kinds").isin(0, 2)).cast("bigint").alias("media_count"),
            F.col("sizes_bytes").alias("byte_count"),
        )
    )


def _piece(rows: DataFrame) -> DataFrame:
    counts = ("request_count", "media_count", "byte_count")
    return rows.select(*KEY, *_DESCRIBED, *_CAME_FROM, "first_at", "last_at", "last_request_at", "has_end", *counts)


def _merged(pieces: DataFrame, rules: Sessions) -> DataFrame:
    """Pieces of one listener and stream no further apart than the gap become one row."""
    by_time = Window.partitionBy(*KEY).orderBy("first_at", "last_at")
    reached = F.max(F.unix_millis("last_at")).over(by_time.rowsBetween(Window.unboundedPreceding, -1))
    gap_ms = F.when(F.col("protocol") == "hls", F.lit(round(rules.gap_seconds * 1000))).otherwise(
        F.lit(round(rules.long_connection_gap_seconds * 1000))
    )
    is_apart = F.coalesce(F.unix_millis("first_at") > reached + gap_ms, F.lit(True))
    numbered = pieces.withColumn("starts", is_apart.cast("int")).withColumn("number", F.sum("starts").over(by_time))
    first = F.min(F.struct("first_at", "last_at", *_DESCRIBED))
    is_direct = F.coalesce(F.col("source_group") == "direct", F.lit(True))  # a referrer that was told comes first
    referred = F.min(F.struct(is_direct.alias("is_direct"), "first_at", *_CAME_FROM))
    return (
        numbered.groupBy(*KEY, "number")
        .agg(
            first.alias("first"),
            *(referred[name].alias(name) for name in _CAME_FROM),
            F.min("first_at").alias("started_at"),
            F.max("last_at").alias("reached_at"),
            F.max("last_request_at").alias("last_request_at"),
            F.max("has_end").alias("has_end"),
            *(F.sum(count).alias(count) for count in ("request_count", "media_count", "byte_count")),
        )
        .select("*", *(F.col(f"first.{name}").alias(name) for name in _DESCRIBED))
    )


def _described(merged: DataFrame, rules: Sessions) -> DataFrame:
    identity = F.concat_ws("|", *KEY, F.unix_millis("started_at").cast("string"))
    ended_at = F.when(F.col("has_end"), F.col("reached_at"))
    return (
        merged.withColumn("ended_at", ended_at)
        .withColumn("session_id", F.substring(F.sha2(identity, 256), 1, 32))
        .withColumn("started_on", F.to_date("started_at"))
        .withColumn("is_marathon", F.coalesce(length_ms() > _DAY_MS, F.lit(False)))
        .withColumn("exclusion", exclusion(rules))
    )


def length_ms() -> Column:
    """Full length of a session in milliseconds; null where the end is not known."""
    return F.unix_millis("ended_at") - F.unix_millis("started_at")


def exclusion(rules: Sessions) -> Column:
    """The first reason that fits (definitions.md section 3), null for a listener."""
    is_short = F.coalesce(length_ms() < round(rules.minimum_seconds * 1000), F.lit(False))
    return (
        F.when(F.col("client_kind").isNotNull(), F.col("client_kind"))
        .when(~F.col("has_agent"), F.lit("no_user_agent"))
        .when(F.col("is_internal"), F.lit("internal"))
        .when((F.col("protocol") == "hls") & (F.col("media_count") == 0), F.lit("no_media"))
        .when(is_short, F.lit("too_short"))
    )
