"""How much was listened to on each day?

Grain: tenant, stream, day of the tenant. Catch: uniques and peaks are the day's own and don't add up to a week's.
"""

from __future__ import annotations

import polars as pl

from metrics_lake.gold import listeners_by_minute, listening
from metrics_lake.model.tables import Metric, Table
from metrics_lake.silver import sessions

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


def compute(stays: pl.DataFrame, minutes: pl.DataFrame, starts: int) -> pl.DataFrame:
    """From one day's stays (excluded ones too), its minutes and its start in milliseconds to a row for each stream."""
    timed = minutes.with_columns(bucket_starts=pl.lit(starts))
    return listening.summed(stays.with_columns(before_ends="bucket_starts"), timed).drop("bucket_starts", "again")
