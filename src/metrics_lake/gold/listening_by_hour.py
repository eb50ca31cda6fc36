"""How much was listened to in each hour?

Grain: tenant, stream, hour on the tenant's clock, which need not be a whole hour of UTC. Catch: a day has 23 or 25
of them when the clock is moved.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from metrics_lake.gold import listening, session_buckets
from metrics_lake.model.metrics import Metric
from metrics_lake.model.tables import Table

if TYPE_CHECKING:
    from metrics_lake.gold.parts import Day

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


def compute(day: Day) -> pl.DataFrame:
    """One row for each stream and hour in which anything happened, in order."""
    bounds = day.hours.select(
        "bucket_starts", "bucket_ends", "hour_of_day", hour_at=session_buckets.instant("bucket_starts")
    )
    minutes = day.minutes.sort("minute_at").join_asof(
        bounds, left_on="minute_at", right_on="hour_at", strategy="backward"
    )
    return (
        listening.summed(session_buckets.in_hours(day.buckets, day.hours), minutes)
        .join(bounds, on="bucket_starts")
        .with_columns(hour_ends_at=session_buckets.instant("bucket_ends"))
        .drop("bucket_starts", "bucket_ends")
    )


METRIC = Metric(TABLE, "day", compute)
