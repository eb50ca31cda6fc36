"""Where did a period's listeners come from, and on what did they listen?

Grain: tenant, stream, period, dimension, value. Uniques are exact; sessions and seconds are sums over the days.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from metrics_lake.gold import dimensions_by_day, listeners_by_day, stays
from metrics_lake.gold.listening_by_period import KEYS, in_periods
from metrics_lake.tables import Metric, Table

TABLE = Table(
    "gold.dimensions_by_period",
    partitioned_by=("kind",),
    columns="""
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    kind STRING NOT NULL COMMENT 'day, week, month, year, rolling or all'
    name STRING NOT NULL COMMENT 'Name of the period, such as 2001-W03'
    dimension STRING NOT NULL COMMENT 'source, player, os, device, country or stream'
    dimension_value STRING NOT NULL COMMENT 'Value of the dimension'
    sessions_started BIGINT NOT NULL COMMENT 'Sessions that started in the period'
    listening_seconds DOUBLE NOT NULL COMMENT 'Listening in the period'
    unique_listeners BIGINT NOT NULL COMMENT 'Distinct listeners in the period'
    """,
)
METRIC = Metric("dimensions_by_period", reads=(listeners_by_day.TABLE, dimensions_by_day.TABLE), writes=TABLE)


OTHER = "(other)"
_GROUP = (*KEYS, "dimension")
_VALUE = (*_GROUP, "dimension_value")


def compute(
    listener_days: DataFrame, dimension_days: DataFrame, periods: DataFrame, *, minimum_group: int
) -> DataFrame:
    """From listeners and values of days to one row a value (`periods` is of listening_by_period.PERIODS).

    Values with fewer than `minimum_group` listeners are one value, `(other)`.
    """
    named = dimensions_by_day.values({"stream": "stream_heard"})
    each = in_periods(listener_days, periods).select(*KEYS, "listener_id", F.inline(named)).distinct().persist()
    small = _small(each.groupBy(*_VALUE).agg(F.count("*").alias("number")), minimum_group).persist()
    uniques = _folded(each, small).distinct().groupBy(*_VALUE).agg(F.count("*").alias("unique_listeners"))
    sums = _folded(in_periods(dimension_days, periods), small).groupBy(*_VALUE).agg(
        F.sum("sessions_started").alias("sessions_started"),
        stays.seconds(F.sum(_milliseconds())).alias("listening_seconds"),
    )  # fmt: skip
    return uniques.join(sums, list(_VALUE)).select(*TABLE.names)


def _small(counts: DataFrame, minimum_group: int) -> DataFrame:
    """The values to fold: those with too few listeners, and the next one where these together are too few.

    Else what was folded would follow from the total less the values shown. Streams are not folded: each has a
    document of its own.
    """
    rising = Window.partitionBy(*_GROUP).orderBy("number", "dimension_value")
    below = F.sum("number").over(rising.rowsBetween(Window.unboundedPreceding, -1))
    is_next = F.coalesce(below < minimum_group, F.lit(False))
    kept = counts.where("dimension != 'stream'").withColumn("is_folded", (F.col("number") < minimum_group) | is_next)
    return kept.where("is_folded").select(*_VALUE, F.lit(OTHER).alias("folded"))


def _folded(rows: DataFrame, small: DataFrame) -> DataFrame:
    joined = rows.join(F.broadcast(small), list(_VALUE), "left")
    return joined.withColumn("dimension_value", F.coalesce("folded", "dimension_value")).drop("folded")


def _milliseconds() -> Column:
    """Days' seconds as whole numbers, so that any order adds up alike."""
    return F.round(F.col("listening_seconds") * 1000).cast("bigint")
