"""Folds the requests of one listener to one stream into runs, before they leave the worker.

Folding is exact because merging intervals is associative (definitions.md section 2). Each run keeps its requests as
arrays, so nothing is lost and there are few rows.
"""

from __future__ import annotations

import polars as pl

from metrics_lake.model import dimensions
from metrics_lake.sources.haproxy.streams import CONNECTION, SEGMENT

_KEY = ("file_number", "stream_number", "listener_id", "is_evidence")
# Equal for all requests of a run: the description of a session must not depend on how its requests were split into files.
_DESCRIBED = ("has_agent", "client_kind", "is_internal", *dimensions.columns())
_FAR = 1 << 42  # milliseconds, to the year 2109: further apart than any two instants of a log


def with_ends(requests: pl.DataFrame) -> pl.DataFrame:
    """Adds end_ms: a request lasts its total time, a segment one segment duration longer.

    A connection whose line is early, or of a format without total times, lasts no time: its end is not known.
    """
    extension = pl.when(pl.col("request_kind") == SEGMENT).then("segment_ms").otherwise(0)
    is_endless = pl.col("is_early") | pl.col("duration_ms").is_null()
    has_end = ~(is_endless & (pl.col("request_kind") == CONNECTION))
    duration = pl.when(has_end).then(pl.col("duration_ms").fill_null(0) + extension).otherwise(0)
    return requests.with_columns(
        end_ms=pl.col("accepted_ms") + duration,
        has_end=has_end,
        duration_ms=pl.when(has_end).then("duration_ms"),
    )


def fold(pieces: pl.DataFrame) -> pl.DataFrame:
    """One row per run: requests with the same key and description and no gap over gap_ms; without evidence, any gap is allowed."""
    ordered = _with_description(pieces).sort(*_KEY, "description", "accepted_ms", "end_ms", "line_id")
    key_number = pl.struct(*_KEY, "description").rle_id().cast(pl.Int64)
    shift = key_number * _FAR  # puts each key above the previous one, so that one running maximum works for all
    reached = (pl.col("end_ms") + shift).cum_max().shift(1).fill_null(-1)
    apart = reached + pl.col("gap_ms") < pl.col("accepted_ms") + shift
    starts = (apart & pl.col("is_evidence")) | (key_number != key_number.shift(1).fill_null(-1))
    return ordered.with_columns(run=starts.cum_sum()).group_by("run", maintain_order=True).agg(*_run())


def _with_description(pieces: pl.DataFrame) -> pl.DataFrame:
    """Adds `description`, a number for each distinct set of client and referrer properties."""
    distinct = pieces.select(_DESCRIBED).unique().sort(_DESCRIBED).with_row_index("description")
    return pieces.join(distinct, on=_DESCRIBED, how="left", nulls_equal=True)


def _run() -> list[pl.Expr]:
    first = ("file_number", "stream_number", "listener_id", "is_evidence", "gap_ms", "segment_ms")
    is_media = pl.col("request_kind").is_in([SEGMENT, CONNECTION])
    return [
        pl.col(*first).first(),
        pl.col(*_DESCRIBED).first(),
        pl.col("accepted_ms").min().alias("first_ms"),
        pl.col("end_ms").max().alias("last_ms"),
        pl.col("accepted_ms").max().alias("last_request_ms"),
        pl.col("has_end").any(),
        pl.col("is_time_doubtful").any(),
        pl.len().alias("request_count"),
        is_media.sum().alias("media_count"),
        pl.col("size").sum().alias("byte_count"),
        (pl.col("accepted_ms") - pl.col("accepted_ms").min()).alias("offsets_ms"),
        pl.col("duration_ms").alias("durations_ms"),
        pl.col("status").alias("statuses"),
        pl.col("size").alias("sizes_bytes"),
        pl.col("request_kind").alias("request_kinds"),
        pl.col("line_id").alias("line_ids"),
    ]
