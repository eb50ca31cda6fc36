"""Where did listeners come from, and on what did they listen?

Grain: tenant, stream, day, dimension, value. Catch: a listener who came from two sources is unique in each.
"""

from __future__ import annotations

import polars as pl

from metrics_lake.gold import listening
from metrics_lake.gold import session_buckets as laid
from metrics_lake.model.tables import Metric, Table
from metrics_lake.silver import sessions

DIMENSIONS = ("source", "player", "os", "device", "country", "region", "stream")
COLUMNS = {name: name for name in DIMENSIONS} | {"stream": "stream_heard"}  # in which column of a stay each value is
UNKNOWN = {"source": "direct", "country": "unknown", "region": "unknown"}

TABLE = Table(
    "gold.dimensions_by_day",
    partitioned_by=("listened_on",),
    columns="""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    dimension STRING NOT NULL COMMENT 'source, player, os, device, country, region or stream'
    dimension_value STRING NOT NULL COMMENT 'Value of the dimension'
    sessions_started BIGINT NOT NULL COMMENT 'Sessions that started on the day'
    listening_seconds DOUBLE NOT NULL COMMENT 'Listening on the day'
    unique_listeners BIGINT NOT NULL COMMENT 'Distinct listeners on the day'
    unique_sketch BINARY COMMENT 'The same listeners as a Theta sketch of 4096 entries'
    """,
)
METRIC = Metric("dimensions_by_day", reads=(sessions.TABLE,), writes=TABLE)


def compute(stays: pl.DataFrame) -> pl.DataFrame:
    """From one day's net stays to one row a value, in order."""
    every = with_values(laid.with_whole_tenant(stays.filter("is_active").with_columns(stream_heard="stream")))
    rows = [
        every.group_by("stream", dimension_value=dimension).agg(
            sessions_started=pl.col("is_started").sum().cast(pl.Int64),
            listening_seconds=laid.seconds((pl.col("to_ms") - pl.col("from_ms")).sum()),
            unique_listeners=pl.col("listener").n_unique().cast(pl.Int64),
            unique_sketch=pl.col("listener_id").unique(),
            dimension=pl.lit(name),
        )
        for name, dimension in COLUMNS.items()
    ]
    return (
        pl.concat(rows)
        .with_columns(pl.col("unique_sketch").map_elements(listening.sketch, return_dtype=pl.Binary))
        .sort("stream", "dimension", "dimension_value")
    )


def with_values(stays: pl.DataFrame) -> pl.DataFrame:
    """Stays of which none lacks a value of a dimension."""
    return stays.with_columns(pl.col(column).fill_null(UNKNOWN.get(name, "other")) for name, column in COLUMNS.items())
