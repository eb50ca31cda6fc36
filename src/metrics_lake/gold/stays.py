"""Sessions laid on the tenants' calendars: one row for each day, or hour, that a session overlaps.

What every metric starts from. A session that only touches a bucket's edge is not in it (half-open); one without
length, or without a known end, is in the bucket of its start (definitions.md section 4).
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metrics_lake.tenants import ALL_STREAMS

DAYS = "tenant STRING, listened_on DATE, day_starts_at TIMESTAMP, day_ends_at TIMESTAMP"
HOURS = (
    "tenant STRING, listened_on DATE, hour_at TIMESTAMP, hour_ends_at TIMESTAMP, hour_of_day INT, "
    "before_ends_at TIMESTAMP"
)


def by_day(sessions: DataFrame, days: DataFrame) -> DataFrame:
    """Adds listened_on, day_starts_at, day_ends_at, and the part inside: from_at, to_at (both UTC). `days` is of DAYS."""
    reached = F.coalesce("ended_at", "last_request_at")
    around = F.sequence(F.date_sub(F.to_date("started_at"), 1), F.date_add(F.to_date(reached), 1))
    dated = sessions.withColumn("listened_on", F.explode(around))
    laid = dated.join(F.broadcast(days), ["tenant", "listened_on"])
    return _inside(laid, F.col("day_starts_at"), F.col("day_ends_at"))


def by_hour(stays: DataFrame, hours: DataFrame) -> DataFrame:
    """Rows of by_day taken apart into the hours they overlap; from_at and to_at are then the part inside the hour.

    `hours` is of HOURS: `before_ends_at` is the end of the hour before in which the clock showed the same.
    """
    laid = stays.join(F.broadcast(hours), ["tenant", "listened_on"])
    return _inside(laid, F.col("hour_at"), F.col("hour_ends_at"))


def _inside(laid: DataFrame, starts: Column, ends: Column) -> DataFrame:
    return (
        laid.where(overlaps(starts, ends))
        .withColumn("from_at", F.greatest("started_at", starts))
        .withColumn("to_at", F.least(F.coalesce("ended_at", "started_at"), ends))
    )


def overlaps(starts: Column, ends: Column) -> Column:
    """Whether a session is active in the bucket `[starts, ends)`."""
    is_in = (F.col("started_at") < ends) & (F.col("ended_at") > starts)
    return F.coalesce(is_in, F.lit(False)) | started_in(starts, ends)


def started_in(starts: Column, ends: Column) -> Column:
    return (F.col("started_at") >= starts) & (F.col("started_at") < ends)


def ended_in(starts: Column, ends: Column) -> Column:
    return F.coalesce((F.col("ended_at") >= starts) & (F.col("ended_at") < ends), F.lit(False))


def milliseconds() -> Column:
    """Length of the part inside the bucket; 0 where the end is not known. Whole numbers, so that any order adds up alike."""
    return F.unix_millis("to_at") - F.unix_millis("from_at")


def seconds(milliseconds: Column) -> Column:
    return milliseconds / F.lit(1000.0)


def with_whole_tenant(rows: DataFrame) -> DataFrame:
    """Each row twice: for its stream, and for the tenant as a whole."""
    return rows.withColumn("stream", F.explode(F.array("stream", F.lit(ALL_STREAMS))))
