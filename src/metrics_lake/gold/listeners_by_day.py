"""Which listeners were there on each day, in which hours, and on what?

Grain: tenant, stream, day, listener, and what the listener came from and listened on. From it the exact uniques of
any named period follow without going back to sessions. Catch: it holds hashes of listeners; it is not published.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import stays
from metrics_lake.silver import sessions
from metrics_lake.tables import Metric, Table

ON = ("source", "player", "os", "device", "country")

TABLE = Table(
    "gold.listeners_by_day",
    partitioned_by=("listened_on",),
    keep=timedelta(days=1100),
    columns="""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    stream_heard STRING NOT NULL COMMENT 'Which stream it was, of the tenant as a whole too'
    listener_id STRING NOT NULL COMMENT 'Keyed one-way hash of address and user agent'
    source STRING COMMENT 'Where the listener came from'
    player STRING COMMENT 'Family of the player or browser'
    os STRING COMMENT 'Operating system family'
    device STRING COMMENT 'Device class'
    country STRING COMMENT 'ISO 3166 country of the address'
    hours INT NOT NULL COMMENT 'Hours of the day in which the listener was there, bit 0 for the hour from 00:00'
    """,
)
METRIC = Metric("listeners_by_day", reads=(sessions.TABLE,), writes=TABLE)


def compute(days: DataFrame, hours: DataFrame) -> DataFrame:
    """From stays by day (net sessions only) and the clock's hours (stays.HOURS) to one row a listener."""
    rows = stays.with_whole_tenant(stays.by_hour(days, hours).withColumn("stream_heard", F.col("stream")))
    bit = F.pow(F.lit(2), F.col("hour_of_day")).cast("int")
    return (
        rows.groupBy("listened_on", "tenant", "stream", "stream_heard", "listener_id", *ON)
        .agg(F.bit_or(bit).alias("hours"))
        .select(*TABLE.names)
    )
