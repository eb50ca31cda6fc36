"""How much was listened to on each day?

Grain: tenant, stream, day of the tenant. Catch: uniques and peaks are the day's own and don't add up to a week's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from metrics_lake.gold import listening
from metrics_lake.model.metrics import Metric
from metrics_lake.model.tables import Table

if TYPE_CHECKING:
    from metrics_lake.gold.parts import Day

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


def compute(day: Day) -> pl.DataFrame:
    """One row for each stream, in order."""
    minutes = day.minutes.with_columns(bucket_starts=pl.lit(day.starts))
    buckets = day.buckets.with_columns(before_ends="bucket_starts")
    return listening.summed(buckets, minutes).drop("bucket_starts", "again")


METRIC = Metric(TABLE, "day", compute)
