"""How many different people listened in a day, week, month, year, the last 7 or 30 days, and ever?

Grain: tenant, stream, period. Exact, from the listeners of each day. What adds up (sessions, seconds) or is the
highest of its days (peaks) is worked out from the days when asked.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import listeners_by_day
from metrics_lake.tables import Metric, Table

PERIODS = "tenant STRING, kind STRING, name STRING, first_on DATE, end_on DATE"

TABLE = Table(
    "gold.listening_by_period",
    partitioned_by=("kind",),
    columns="""
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    kind STRING NOT NULL COMMENT 'day, week, month, year, rolling or all'
    name STRING NOT NULL COMMENT 'Name of the period, such as 2001-W03'
    first_on DATE NOT NULL COMMENT 'First day of the period'
    end_on DATE NOT NULL COMMENT 'Day after its last'
    unique_listeners BIGINT NOT NULL COMMENT 'Distinct listeners in the period'
    unique_by_hour ARRAY<BIGINT> NOT NULL COMMENT 'Distinct listeners in each hour of the day, 24 of them'
    """,
)
METRIC = Metric("listening_by_period", reads=(listeners_by_day.TABLE,), writes=TABLE)

KEYS = ("tenant", "stream", "kind", "name")


def in_periods(days: DataFrame, periods: DataFrame) -> DataFrame:
    """Rows with a day, once for each period that holds it."""
    joined = days.join(F.broadcast(periods), "tenant")
    return joined.where((F.col("listened_on") >= F.col("first_on")) & (F.col("listened_on") < F.col("end_on")))


def compute(listener_days: DataFrame, periods: DataFrame) -> DataFrame:
    """From the listeners of days to one row a period (`periods` is of PERIODS)."""
    in_hour = [F.count_if(F.col("hours").bitwiseAND(1 << hour) != 0) for hour in range(24)]
    by_listener = (
        in_periods(listener_days, periods)
        .groupBy(*KEYS, "first_on", "end_on", "listener_id")
        .agg(F.bit_or("hours").alias("hours"))
    )
    return (
        by_listener.groupBy(*KEYS, "first_on", "end_on")
        .agg(F.count("*").alias("unique_listeners"), F.array(*in_hour).alias("unique_by_hour"))
        .select(*TABLE.names)
    )
