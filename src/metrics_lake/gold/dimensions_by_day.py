"""Where did listeners come from, and on what did they listen?

Grain: tenant, stream, day, dimension, value. Catch: a listener who came from two sources is unique in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from metrics_lake.gold import listening, session_buckets
from metrics_lake.model import dimensions
from metrics_lake.model.metrics import Metric
from metrics_lake.model.tables import Table

if TYPE_CHECKING:
    from metrics_lake.gold.parts import Day

TABLE = Table(
    "gold.dimensions_by_day",
    partitioned_by=("listened_on",),
    columns=f"""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    {dimensions.COLUMN}
    sessions_started BIGINT NOT NULL COMMENT 'Sessions that started on the day'
    listening_seconds DOUBLE NOT NULL COMMENT 'Listening on the day'
    unique_listeners BIGINT NOT NULL COMMENT 'Distinct listeners on the day'
    unique_sketch BINARY COMMENT 'The same listeners as a Theta sketch of 4096 entries'
    """,
)


def compute(day: Day) -> pl.DataFrame:
    """One row for each stream, dimension and value, in order."""
    read = ("stream", "listener", "listener_id", "is_started", "from_ms", "to_ms")
    buckets = session_buckets.with_whole_tenant(with_values(day.net.filter("is_active"), read))
    rows = [
        buckets.group_by("stream", dimension_value=value_of(name)).agg(
            sessions_started=pl.col("is_started").sum().cast(pl.Int64),
            listening_seconds=session_buckets.seconds((pl.col("to_ms") - pl.col("from_ms")).sum()),
            unique_listeners=pl.col("listener").n_unique().cast(pl.Int64),
            unique_sketch=pl.col("listener_id").unique(),
            dimension=pl.lit(name),
        )
        for name in dimensions.NAMES
    ]
    return (
        pl.concat(rows)
        .with_columns(pl.col("unique_sketch").map_elements(listening.sketch, return_dtype=pl.Binary))
        .sort("stream", "dimension", "dimension_value")
    )


def value_of(dimension: str) -> str:
    """The column with the values of a dimension; the stream itself is `*` where the tenant is counted as a whole."""
    return f"{dimension}_value"


def with_values(buckets: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """These columns, and one for each dimension, of which no row lacks a value."""
    values = (pl.col(d.column).fill_null(d.unknown).alias(value_of(d.name)) for d in dimensions.DIMENSIONS)
    return buckets.select(*columns, *values)


METRIC = Metric(TABLE, "day", compute)
