"""How long do people stay?

Grain: tenant, stream, day, length bucket; each session once, in full length, on the day it started (definitions.md
section 6). Catch: a session without a known end stands in the first bucket, so that the counts add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from metrics_lake.gold import session_buckets
from metrics_lake.model.metrics import Metric
from metrics_lake.model.tables import Table

if TYPE_CHECKING:
    from metrics_lake.gold.parts import Day

TABLE = Table(
    "gold.session_lengths_by_day",
    partitioned_by=("listened_on",),
    columns="""
    listened_on DATE NOT NULL COMMENT 'Day on which the sessions started, on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    at_least_minutes INT NOT NULL COMMENT 'Lower edge of the bucket, included, in minutes'
    session_count BIGINT NOT NULL COMMENT 'Sessions of that length'
    """,
)


def with_length_bucket(sessions: pl.DataFrame, edges_minutes: Sequence[int]) -> pl.DataFrame:
    """Adds `at_least_minutes`: the lower edge of the bucket that a session's full length lies in, as Bucketizer gives it."""
    edges = pl.Series("at_least_minutes", edges_minutes, dtype=pl.Int32)
    length = (pl.col("ended_at") - pl.col("started_at")).dt.total_milliseconds().fill_null(0) / 60_000
    places = edges.search_sorted(sessions.select(length=length)["length"], side="right") - 1
    return sessions.with_columns(edges.gather(places))


def compute(day: Day) -> pl.DataFrame:
    """One row for each stream and bucket with sessions, in order; an empty bucket has no row."""
    started = session_buckets.with_whole_tenant(day.net.filter("is_started"))
    counted = started.group_by("stream", "at_least_minutes").agg(session_count=pl.len().cast(pl.Int64))
    return counted.sort("stream", "at_least_minutes")


METRIC = Metric(TABLE, "day", compute)
