"""How much was listened to in each hour?

Grain: tenant, stream, hour on the tenant's clock, which need not be a whole hour of UTC. Catch: a day has 23 or 25
of them when the clock is moved.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import listeners_by_minute, listening, stays
from metrics_lake.silver import sessions
from metrics_lake.tables import Metric, Table

TABLE = Table(
    "gold.listening_by_hour",
    partitioned_by=("listened_on",),
    keep=timedelta(days=1100),
    columns=f"""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    hour_at TIMESTAMP NOT NULL COMMENT 'Start of the hour, UTC'
    hour_ends_at TIMESTAMP NOT NULL COMMENT 'End of the hour, exclusive, UTC'
    hour_of_day INT NOT NULL COMMENT 'What the clock of the tenant shows, 0 to 23'
    again BIGINT NOT NULL COMMENT 'Active sessions that were active too when the clock showed this hour the time before'
    {listening.COLUMNS}
    """,
)
METRIC = Metric("listening_by_hour", reads=(sessions.TABLE, listeners_by_minute.TABLE), writes=TABLE)

_BUCKET = ("listened_on", "hour_at", "hour_ends_at", "hour_of_day")


def compute(days: DataFrame, minutes: DataFrame, hours: DataFrame) -> DataFrame:
    """From stays by day, minutes and the clock's hours (stays.HOURS) to one row an hour in which anybody listened."""
    laid = stays.by_hour(days, hours)
    timed = minutes.join(F.broadcast(hours), ["tenant", "listened_on"])
    timed = timed.where((F.col("minute_at") >= F.col("hour_at")) & (F.col("minute_at") < F.col("hour_ends_at")))
    starts, ends = F.col("hour_at"), F.col("hour_ends_at")
    return listening.summed(laid, timed, _BUCKET, starts=starts, ends=ends).select(*TABLE.names)
