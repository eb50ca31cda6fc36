"""Where did listeners come from, and on what did they listen?

Grain: tenant, stream, day, dimension, value. Catch: a listener who came from two sources is unique in each.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import stays
from metrics_lake.silver import sessions
from metrics_lake.tables import Metric, Table

DIMENSIONS = ("source", "player", "os", "device", "country", "stream")
UNKNOWN = {"source": "direct", "country": "unknown"}

TABLE = Table(
    "gold.dimensions_by_day",
    partitioned_by=("listened_on",),
    columns="""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    dimension STRING NOT NULL COMMENT 'source, player, os, device, country or stream'
    dimension_value STRING NOT NULL COMMENT 'Value of the dimension'
    sessions_started BIGINT NOT NULL COMMENT 'Sessions that started on the day'
    listening_seconds DOUBLE NOT NULL COMMENT 'Listening on the day'
    unique_listeners BIGINT NOT NULL COMMENT 'Distinct listeners on the day'
    """,
)
METRIC = Metric("dimensions_by_day", reads=(sessions.TABLE,), writes=TABLE)


def compute(days: DataFrame) -> DataFrame:
    """From stays by day (net sessions only) to one row a value."""
    keys = ("listened_on", "tenant", "stream", "dimension", "dimension_value")
    started = stays.started_in(F.col("day_starts_at"), F.col("day_ends_at"))
    by_listener = (
        stays.with_whole_tenant(days.withColumn("dimension_values", values()))
        .withColumns({"is_started": started.cast("bigint"), "ms": stays.milliseconds()})
        .select("listened_on", "tenant", "stream", "listener_id", "is_started", "ms", F.inline("dimension_values"))
        .groupBy(*keys, "listener_id")
        .agg(F.sum("is_started").alias("started"), F.sum("ms").alias("ms"))
    )
    return (
        by_listener.groupBy(*keys)
        .agg(
            F.sum("started").alias("sessions_started"),
            stays.seconds(F.sum("ms")).alias("listening_seconds"),
            F.count("*").alias("unique_listeners"),
        )
        .select(*TABLE.names)
    )


def values(names: Mapping[str, str] = MappingProxyType({})) -> Column:
    """A row's values as an array of (dimension, dimension_value), none missing; `names` of columns called otherwise."""
    return F.array(
        *(
            F.struct(
                F.lit(name).alias("dimension"),
                F.coalesce(F.col(names.get(name, name)), F.lit(UNKNOWN.get(name, "other"))).alias("dimension_value"),
            )
            for name in DIMENSIONS
        )
    )
