"""Requests of one listener to one stream, folded into runs before they leave the worker.

Folding is exact because merging intervals is associative (definitions.md section 2); each run keeps its requests
as arrays, so nothing is lost and the rows are few.
"""

from __future__ import annotations

import polars as pl

from metrics_lake.sources.haproxy.streams import CONNECTION, SEGMENT

_KEY = ("file_number", "stream_number", "listener_id", "is_evidence")
# All requests of a run are alike in these: which of a session's requests describes it must not depend on how they were split.
_DESCRIBED = (
    "has_agent", "client_kind", "is_internal", "player", "player_version", "os", "device", "country", "region",
    "network", "source", "source_group",
)  # fmt: skip
_FAR = 1 << 42  # milliseconds, to the year 2109: further apart than any two instants of a log


def with_pieces(requests: pl.DataFrame) -> pl.DataFrame:
    """Adds end_ms: a request lasts its total time, a segment one segment duration longer.

    A connection whose line is early, or of a format without total times, lasts no time: its end is not known.
    """
    extension = pl.when(pl.col("request_kind") == SEGMENT).then("segment_ms").otherwise(0)
    is_endless = pl.col("is_early") | pl.col("duration_ms").is_null()
    has_end = ~(is_endless & (pl.col("request_kind") == CONNECTION))
    lasting = pl.when(has_end).then(pl.col("duration_ms").fill_null(0) + extension).otherwise(0)
    return requests.with_columns(
        end_ms=pl.col("accepted_ms") + lasting,
        has_end=has_end,
        duration_ms=pl.when(has_end).then("duration_ms"),
    )


def folded(pieces: pl.DataFrame) -> pl.DataFrame:
    """One row a run: pieces of one key and description no further apart than gap_ms; what is no evidence is one row of these."""
    ordered = _with_description(pieces).sort(*_KEY, "description", "accepted_ms", "end_ms", "line_id")
    key_number = pl.struct(*_KEY, "description").rle_id().cast(pl.Int64)
    shift = key_number * _FAR  # lifts each key above the one before, so that one running maximum serves all of them
    reached = (pl.col("end_ms") + shift).cum_max().shift(1).fill_null(-1)
    apart = reached + pl.col("gap_ms") < pl.col("accepted_ms") + shift
    starts = (apart & pl.col("is_evidence")) | (key_number != key_number.shift(1).fill_null(-1))
    return ordered.with_columns(run=starts.cum_sum()).group_by("run", maintain_order=True).agg(*_run())


def _with_description(pieces: pl.DataFrame) -> pl.DataFrame:
    """Adds `description`, a number for what is known of client and referrer."""
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
