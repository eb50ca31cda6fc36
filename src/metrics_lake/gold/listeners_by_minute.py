"""How many people listened at once, at the busiest instant of each minute?

Grain: tenant, stream, minute in which anybody listens. A sweep over the ends and starts of sessions, at equal
instants ends first, the number carried in included (definitions.md section 5). `stream = '*'` is a sweep over
persons: a listener on two streams counts once. Catch: HAProxy logs a stream when it ends, so a minute is restated
until every session that touched it has closed.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from metrics_lake.silver import sessions
from metrics_lake.tables import Metric, Table
from metrics_lake.tenants import ALL_STREAMS

TABLE = Table(
    "gold.listeners_by_minute",
    partitioned_by=("listened_on",),
    keep=timedelta(days=1100),
    columns="""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    minute_at TIMESTAMP NOT NULL COMMENT 'Start of the minute, UTC'
    peak_listeners INT NOT NULL COMMENT 'Most listeners at one instant of the minute'
    listening_seconds DOUBLE NOT NULL COMMENT 'Listening inside the minute, summed over sessions'
    """,
)
METRIC = Metric("listeners_by_minute", reads=(sessions.TABLE,), writes=TABLE)

_GROUP = ("listened_on", "tenant", "stream")
_MINUTE_MS = 60_000


def compute(days: DataFrame) -> DataFrame:
    """From stays by day (net sessions only) to minutes."""
    stays = days.where("from_at < to_at").select(
        *_GROUP, "listener_id", F.unix_millis("day_ends_at").alias("day_ends"),
        F.unix_millis("from_at").alias("starts"), F.unix_millis("to_at").alias("ends"),
    )  # fmt: skip
    whole = stays.withColumn("stream", F.lit(ALL_STREAMS))
    steps = (
        _steps(stays, people=1, sessions=1)
        .unionByName(_steps(_persons(whole), people=1, sessions=0))
        .unionByName(_steps(whole, people=0, sessions=1))
    )
    return _filled(_swept(steps)).select(*TABLE.names)


def _persons(stays: DataFrame) -> DataFrame:
    """A listener's stays on any stream, merged where they overlap."""
    by_time = Window.partitionBy(*_GROUP, "listener_id").orderBy("starts", "ends")
    reached = F.max("ends").over(by_time.rowsBetween(Window.unboundedPreceding, -1))
    is_apart = F.coalesce(F.col("starts") > reached, F.lit(True)).cast("int")
    numbered = stays.withColumn("is_apart", is_apart).withColumn("number", F.sum("is_apart").over(by_time))
    return numbered.groupBy(*_GROUP, "listener_id", "day_ends", "number").agg(
        F.min("starts").alias("starts"), F.max("ends").alias("ends")
    )


def _steps(stays: DataFrame, *, people: int, sessions: int) -> DataFrame:
    """Up at a start, down at an end; an end at midnight belongs to the next day and is left out."""
    change = F.explode(F.array(F.struct(F.col("starts").alias("at"), F.lit(1).alias("sign")),
                               F.struct(F.col("ends").alias("at"), F.lit(-1).alias("sign"))))  # fmt: skip
    return (
        stays.select(*_GROUP, "day_ends", change.alias("change"))
        .where("change.at < day_ends")
        .select(
            *_GROUP,
            "day_ends",
            F.col("change.at").alias("at"),
            (F.col("change.sign") * people).alias("people"),
            (F.col("change.sign") * sessions).alias("sessions"),
        )
    )


def _swept(steps: DataFrame) -> DataFrame:
    """One row for each minute in which anything changes: its peak, its seconds, and what is carried out of it.

    What ends and starts at one instant is taken together, so the number at an instant is the sum up to and with it;
    what was carried in counts where the minute's first change comes after its start.
    """
    at_once = steps.groupBy(*_GROUP, "day_ends", "at").agg(
        F.sum("people").alias("people"), F.sum("sessions").alias("sessions")
    )
    in_order = Window.partitionBy(*_GROUP).orderBy("at")
    minute = F.col("at") - F.pmod("at", F.lit(_MINUTE_MS))
    running = (
        at_once.withColumn("minute", minute)
        .withColumn("people_on", F.sum("people").over(in_order.rowsBetween(Window.unboundedPreceding, 0)))
        .withColumn("left_ms", F.col("sessions") * (F.col("minute") + _MINUTE_MS - F.col("at")))
    )
    minutes = running.groupBy(*_GROUP, "day_ends", "minute").agg(
        F.max("people_on").alias("top"),
        F.min("at").alias("first"),
        F.sum("people").alias("people"),
        F.sum("sessions").alias("sessions"),
        F.sum("left_ms").alias("left_ms"),
    )
    before = Window.partitionBy(*_GROUP).orderBy("minute").rowsBetween(Window.unboundedPreceding, -1)
    carried = F.coalesce(F.sum("people").over(before), F.lit(0)), F.coalesce(F.sum("sessions").over(before), F.lit(0))
    return minutes.select(
        *_GROUP, "minute",
        F.lead("minute", 1).over(Window.partitionBy(*_GROUP).orderBy("minute")).alias("following"),
        F.col("day_ends"),
        F.greatest("top", F.when(F.col("first") > F.col("minute"), carried[0])).alias("peak"),
        (carried[1] * _MINUTE_MS + F.col("left_ms")).alias("listening_ms"),
        (carried[0] + F.col("people")).alias("people_after"),
        (carried[1] + F.col("sessions")).alias("sessions_after"),
    )  # fmt: skip


def _filled(minutes: DataFrame) -> DataFrame:
    """The quiet minutes too: those in which nothing starts or ends while somebody listens."""
    until = F.coalesce("following", "day_ends")
    quiet = F.when(
        (F.col("people_after") > 0) & (until > F.col("minute") + _MINUTE_MS),
        F.transform(
            F.sequence(F.col("minute") + _MINUTE_MS, until - _MINUTE_MS, F.lit(_MINUTE_MS).cast("bigint")),
            lambda at: _minute(at, F.col("people_after"), F.col("sessions_after") * _MINUTE_MS),
        ),
    ).otherwise(F.array().cast("array<struct<minute:bigint,peak:bigint,listening_ms:bigint>>"))
    itself = F.array(_minute(F.col("minute"), F.col("peak"), F.col("listening_ms")))
    rows = minutes.select(*_GROUP, F.inline(F.concat(itself, quiet)))
    return rows.where("peak > 0").select(
        *_GROUP,
        F.timestamp_millis("minute").alias("minute_at"),
        F.col("peak").cast("int").alias("peak_listeners"),
        (F.col("listening_ms") / F.lit(1000.0)).alias("listening_seconds"),
    )


def _minute(at: Column, peak: Column, listening_ms: Column) -> Column:
    return F.struct(
        at.cast("bigint").alias("minute"), peak.cast("bigint").alias("peak"),
        listening_ms.cast("bigint").alias("listening_ms"),
    )  # fmt: skip
