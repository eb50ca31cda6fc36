"""Assigns requests to streams of tenants, and gives each its kind (definitions.md section 2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from metrics_lake.config.tenants import Stream, Tenants

NONE, SEGMENT, PLAYLIST, CONNECTION = 0, 1, 2, 3
_FIELDS = ("frontend", "host", "path")
_MATRIX = r";[^/]*$"  # of the last element of a path: `/live/1.ts;session=4`
_NO_SUFFIX = r"/[^/.]+$"
_SPECIAL = re.compile(r"[*?\[]")


def table(tenants: Tenants) -> pl.DataFrame:
    """The streams in matching order: stream_number, tenant, stream, protocol, segment_ms."""
    rows = [
        (name, stream_name, stream.protocol, round(stream.segment_seconds * 1000))
        for name, tenant in tenants.tenants.items()
        for stream_name, stream in tenant.streams.items()
    ]
    schema = {"tenant": pl.String, "stream": pl.String, "protocol": pl.String, "segment_ms": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index("stream_number")


def match_streams(requests: pl.DataFrame, tenants: Tenants) -> pl.DataFrame:
    """Adds stream_number (null if no stream matches) and request_kind. Needs frontend, host and path.

    Only distinct values are matched against globs, because thousands of listeners request the same segment.
    """
    distinct = requests.select(_FIELDS).unique()
    streams = [stream for tenant in tenants.tenants.values() for stream in tenant.streams.values()]
    number = pl.lit(None, dtype=pl.UInt32)
    for position, stream in reversed(list(enumerate(streams))):
        number = pl.when(_matches(stream)).then(pl.lit(position, dtype=pl.UInt32)).otherwise(number)
    lower_case = distinct.with_columns(
        pl.col("frontend", "host").str.to_lowercase(),
        lower_path=pl.col("path").str.to_lowercase().str.replace(_MATRIX, ""),
    )
    matches = lower_case.with_columns(stream_number=number).select(
        "stream_number", request_kind=_kind_by_stream(streams)
    )
    return requests.join(distinct.hstack(matches), on=_FIELDS, how="left", nulls_equal=True, maintain_order="left")


def _kind_by_stream(streams: Sequence[Stream]) -> pl.Expr:
    """The kind of a request to the stream in stream_number; streams with the same suffixes share one expression."""
    same_suffixes: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for number, stream in enumerate(streams):
        same_suffixes.setdefault((stream.protocol, stream.media_suffixes, stream.playlist_suffixes), []).append(number)
    kind = pl.lit(NONE, dtype=pl.Int8)
    for numbers in same_suffixes.values():
        is_of_these = pl.col("stream_number").is_in(numbers)
        kind = pl.when(is_of_these).then(_request_kind(streams[numbers[0]])).otherwise(kind)
    return kind


def _matches(stream: Stream) -> pl.Expr:
    matches_all = pl.lit(True)
    for field in _FIELDS:
        pattern = stream.match.pattern(field)
        if pattern is not None:
            globs = getattr(stream.match, field)
            plain_globs = [fits for glob in globs if (fits := _plain_glob(field, glob)) is not None]
            fits = (
                pl.any_horizontal(plain_globs)
                if len(plain_globs) == len(globs)
                else pl.col(field).str.contains(pattern)
            )
            matches_all = matches_all & fits.fill_null(False)
    return matches_all


def _plain_glob(field: str, glob: str) -> pl.Expr | None:
    """A glob with at most one star, at its start or end, as string operations: ten times as fast as a regular expression."""
    glob = glob if field == "path" else glob.lower()
    column, text = pl.col(field), glob.strip("*")
    if _SPECIAL.search(text) or glob not in (text, f"{text}*", f"*{text}"):
        return None
    if glob.startswith("*"):
        return column.str.ends_with(text)
    return column.str.starts_with(text) if glob.endswith("*") else column == text


def _request_kind(stream: Stream) -> pl.Expr:
    if stream.protocol != "hls":
        return pl.lit(CONNECTION, dtype=pl.Int8)
    media, playlist = _ends_with_any(stream.media_suffixes), _ends_with_any(stream.playlist_suffixes)
    kind = pl.when(playlist).then(PLAYLIST).when(media).then(SEGMENT).otherwise(NONE)
    return kind.cast(pl.Int8)


def _ends_with_any(suffixes: Sequence[str]) -> pl.Expr:
    path = pl.col("lower_path")
    ends = [path.str.ends_with(suffix) if suffix else path.str.contains(_NO_SUFFIX) for suffix in suffixes]
    return pl.any_horizontal(pl.lit(False), *ends)


def is_evidence() -> pl.Expr:
    """Whether a server answered a GET with 200 or 206, or 304 for a playlist; or a TCP connection reached a server."""
    served = pl.col("status").is_in([200, 206]) | ((pl.col("request_kind") == PLAYLIST) & (pl.col("status") == 304))
    is_got = (pl.col("request_kind") != NONE) & (pl.col("method") == "GET") & served
    is_connected = pl.col("is_tcp") & (pl.col("request_kind") == CONNECTION)
    return (is_got.fill_null(False) | is_connected) & ~pl.col("is_unserved")
