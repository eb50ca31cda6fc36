"""The figures that every bucket of time has (definitions.md section 4), from session buckets and minutes."""

from __future__ import annotations

import polars as pl
from datasketches import update_theta_sketch

from metrics_lake.gold import session_buckets

SKETCH_LOG_ENTRIES = 12  # 4,096 entries: at most 1.6 % standard error (definitions.md section 7)

COLUMNS = """
    sessions_started BIGINT NOT NULL COMMENT 'Sessions whose start lies in the bucket'
    sessions_completed BIGINT NOT NULL COMMENT 'Sessions whose end lies in the bucket'
    sessions_active BIGINT NOT NULL COMMENT 'Sessions that overlap the bucket'
    listening_seconds DOUBLE NOT NULL COMMENT 'Listening inside the bucket, summed over sessions'
    unique_listeners BIGINT NOT NULL COMMENT 'Distinct listeners with a session that overlaps the bucket'
    unique_sketch BINARY COMMENT 'The same listeners as a Theta sketch of 4096 entries'
    peak_listeners INT NOT NULL COMMENT 'Most listeners at one instant of the bucket'
    peak_at TIMESTAMP COMMENT 'First minute with that many, UTC; null where nobody listened'
    length_seconds DOUBLE NOT NULL COMMENT 'Full length of the sessions started in the bucket, summed'
    length_count BIGINT NOT NULL COMMENT 'How many of those sessions have a known end'
    excluded MAP<STRING, BIGINT> NOT NULL COMMENT 'Sessions started in the bucket that are not counted, by reason'
"""

_KEYS = ("stream", "bucket_starts")


def summed(buckets: pl.DataFrame, minutes: pl.DataFrame) -> pl.DataFrame:
    """One row for each stream and bucket, in order. `buckets` hold excluded sessions too; `minutes` have bucket_starts.

    Beside COLUMNS it has `stream`, `bucket_starts` and `again`: active sessions that were on at `before_ends`.
    """
    rows = session_buckets.with_whole_tenant(buckets)
    totals = rows.group_by(_KEYS).agg(*_figures()).with_columns(
        unique_sketch=pl.col("unique_ids").map_elements(sketch, return_dtype=pl.Binary)
    )  # fmt: skip
    peaks = minutes.group_by(_KEYS).agg(
        pl.col("peak_listeners").max(),
        peak_at=pl.col("minute_at").sort_by(-pl.col("peak_listeners"), "minute_at").first(),
    )
    return (
        totals.drop("unique_ids")
        .join(peaks, on=_KEYS, how="left")
        .join(_excluded(rows), on=_KEYS, how="left")
        .with_columns(pl.col("peak_listeners").fill_null(0), pl.col("excluded").fill_null([]))
        .sort(_KEYS)
    )


def _figures() -> list[pl.Expr]:
    is_net, is_active = pl.col("is_net"), pl.col("is_net") & pl.col("is_active")
    is_started = is_net & pl.col("is_started")
    lengths = (pl.col("ended") - pl.col("started")).filter(is_started)
    return [
        is_started.sum().cast(pl.Int64).alias("sessions_started"),
        (is_net & pl.col("is_ended")).sum().cast(pl.Int64).alias("sessions_completed"),
        is_active.sum().cast(pl.Int64).alias("sessions_active"),
        (is_active & (pl.col("started") < pl.col("before_ends"))).sum().cast(pl.Int64).alias("again"),
        session_buckets.seconds((pl.col("to_ms") - pl.col("from_ms")).filter(is_active).sum()).alias(
            "listening_seconds"
        ),
        session_buckets.seconds(lengths.sum()).alias("length_seconds"),
        lengths.count().cast(pl.Int64).alias("length_count"),
        pl.col("listener").filter(is_active).n_unique().cast(pl.Int64).alias("unique_listeners"),
        pl.col("listener_id").filter(is_active).unique().alias("unique_ids"),
    ]


def sketch(listeners: pl.Series) -> bytes | None:
    """Distinct listeners as a Theta sketch, which others can be united with; None of nobody."""
    if listeners.is_empty():
        return None
    theta = update_theta_sketch(SKETCH_LOG_ENTRIES)
    for listener_id in listeners:
        theta.update(listener_id)
    return bytes(theta.compact().serialize())


def _excluded(buckets: pl.DataFrame) -> pl.DataFrame:
    """Sessions started in a bucket and not counted, as (key, value) by reason."""
    started = buckets.filter(~pl.col("is_net") & pl.col("is_started"))
    counted = started.group_by(*_KEYS, "exclusion").agg(value=pl.len().cast(pl.Int64)).sort("exclusion")
    return counted.group_by(_KEYS, maintain_order=True).agg(excluded=pl.struct(key="exclusion", value="value"))
