"""How much was listened to on each day?

Grain: tenant, stream, day of the tenant. Catch: uniques and peaks are the day's own and don't add up to a week's.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import listeners_by_minute, listening
from metrics_lake.silver import sessions
from metrics_lake.tables import Metric, Table

TABLE = Table(
    "gold.listening_by_day",
    partitioned_by=("listened_on",),
    columns=f"""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    {listening.COLUMNS}
    """,
)
METRIC = Metric("listening_by_day", reads=(sessions.TABLE, listeners_by_minute.TABLE), writes=TABLE)


def compute(days: DataFrame, minutes: DataFrame) -> DataFrame:
    """From stays by day and minutes to one row a day."""
    starts, ends = F.col("day_starts_at"), F.col("day_ends_at")
    laid = days.withColumn("before_ends_at", starts)
    return listening.summed(laid, minutes, ("listened_on",), starts=starts, ends=ends).select(*TABLE.names)
