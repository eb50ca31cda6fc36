"""Runs of requests into sessions: a merge of intervals (definitions.md section 2). Pure; sessions.py calls it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import polars_hash as plh

from metrics_lake.config.settings import Sessions
from metrics_lake.model import dimensions
from metrics_lake.model.dimensions import Pick

KEY = ("tenant", "stream", "listener_id")
_OF_AGENT, _CAME_FROM = dimensions.columns(Pick.AGENT), dimensions.columns(Pick.REFERRER)
_OF_CLIENT = ("protocol", "has_agent", "client_kind", "is_internal")
_DESCRIBED = (*_OF_CLIENT, *dimensions.columns(Pick.AGENT, Pick.FIRST))
_FIRST = tuple(name for name in _DESCRIBED if name not in ("has_agent", *_OF_AGENT))  # of a session's first request
_COUNTS = ("request_count", "media_count", "byte_count")
_ARRAYS = ("offsets_ms", "durations_ms", "sizes_bytes", "request_kinds", "line_ids")
_TIMES = ("first_at", "last_at", "last_request_at")
_SEGMENT, _CONNECTION = 1, 3
_NO_MEDIA = (0, 2)
_DAY_MS = 24 * 3600 * 1000
READ = (
    *KEY, *_DESCRIBED, *_CAME_FROM, *_TIMES, "file_id", "has_end", "segment_seconds", *_COUNTS, *_ARRAYS,
)  # fmt: skip


def merged(runs: pl.DataFrame, rules: Sessions) -> pl.DataFrame:
    """Sessions from runs of requests, as rows of the table. A run may be there twice, and a line in several runs."""
    by_time = runs.sort(*KEY, "first_at", "last_request_at", "file_id")
    reached = pl.col("last_request_at").cum_max().shift(1).over(KEY)
    is_apart = (pl.col("first_at") > reached).fill_null(True)
    several = pl.len().over("run_group") > 1  # runs that overlap in time: they may hold the same line twice
    grouped = by_time.with_columns(run_group=is_apart.cum_sum()).with_columns(is_contested=several)
    plain = grouped.filter(~pl.col("is_contested")).drop(*_ARRAYS)
    pieces = pl.concat([_pieces(plain), _pieces(_requests(grouped.filter("is_contested")))])
    return _described(_joined(pieces, rules), rules)


def widest_gap(rules: Sessions) -> timedelta:
    """No two pieces of one session lie further apart, whatever its protocol."""
    return timedelta(milliseconds=max(map(_milliseconds, (rules.gap_seconds, rules.long_connection_gap_seconds))))


def _gap_ms(rules: Sessions) -> pl.Expr:
    """How far apart two pieces of one session may lie, by the protocol of the later one."""
    short, long = _milliseconds(rules.gap_seconds), _milliseconds(rules.long_connection_gap_seconds)
    return pl.when(pl.col("protocol") == "hls").then(short).otherwise(long).cast(pl.Int64)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _requests(contested: pl.DataFrame) -> pl.DataFrame:
    """Runs taken apart into their requests, each line once."""
    requests = contested.drop(*_TIMES[1:], "has_end", *_COUNTS).explode(_ARRAYS)
    single = requests.unique([*KEY, "line_ids"], keep="first", maintain_order=True)
    is_segment = pl.col("request_kinds") == _SEGMENT
    at = pl.col("first_at") + pl.duration(milliseconds="offsets_ms")
    extension = pl.when(is_segment).then((pl.col("segment_seconds") * 1000).round().cast(pl.Int64)).otherwise(0)
    lasting = pl.col("durations_ms").fill_null(0) + extension
    return single.with_columns(
        first_at=at,
        last_request_at=at,
        last_at=at + pl.duration(milliseconds=lasting),
        has_end=pl.col("durations_ms").is_not_null() | (pl.col("request_kinds") != _CONNECTION),
        request_count=pl.lit(1, dtype=pl.Int64),
        media_count=(~pl.col("request_kinds").is_in(_NO_MEDIA)).cast(pl.Int64),
        byte_count=pl.col("sizes_bytes").cast(pl.Int64),
    )


def _pieces(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(*KEY, *_DESCRIBED, *_CAME_FROM, *_TIMES, "has_end", *_COUNTS)


def _joined(pieces: pl.DataFrame, rules: Sessions) -> pl.DataFrame:
    """Pieces of one listener and stream no further apart than the gap become one row."""
    by_time = pieces.sort(*KEY, "first_at", "last_at", *_DESCRIBED)
    reached = pl.col("last_at").cum_max().shift(1).over(KEY)
    is_apart = pl.col("first_at") > reached + pl.duration(milliseconds=_gap_ms(rules))
    numbered = by_time.with_columns(number=is_apart.fill_null(True).cum_sum())
    is_direct = (pl.col("source_group") == "direct").fill_null(True)  # a referrer that was named comes first
    named_first = [is_direct, pl.col("first_at"), *map(pl.col, _CAME_FROM)]
    return numbered.group_by(*KEY, "number", maintain_order=True).agg(
        *(pl.col(name).first() for name in _FIRST),
        *(pl.col(name).get(_agent_rank().arg_min()) for name in _OF_AGENT),
        pl.col("has_agent").fill_null(True).any(),  # null: the log has no place for it, so it may have been named
        *(pl.col(name).sort_by(named_first).first() for name in _CAME_FROM),
        pl.col("first_at").first().alias("started_at"),
        pl.col("last_at").max().alias("reached_at"),
        pl.col("last_request_at").max(),
        pl.col("has_end").any(),
        *(pl.col(count).sum() for count in _COUNTS),
    )


def _agent_rank() -> pl.Expr:
    """What a piece knows of the agent, the best first: 0 its name, 1 the log has no place for it, 2 the client sent none."""
    return pl.col("has_agent").cast(pl.Int8).replace_strict({1: 0, 0: 2}, default=1, return_dtype=pl.Int8)


def _described(joined: pl.DataFrame, rules: Sessions) -> pl.DataFrame:
    started_ms = pl.col("started_at").dt.epoch("ms")
    identity = pl.concat_str(*KEY, started_ms.cast(pl.String), separator="|")
    length = pl.col("ended_at") - pl.col("started_at")
    return (
        joined.with_columns(identity=identity)
        .with_columns(
            ended_at=pl.when("has_end").then("reached_at"),
            session_id=plh.col("identity").chash.sha2_256().str.slice(0, 32),
            started_on=pl.col("started_at").dt.date(),
        )
        .with_columns(
            is_marathon=(length.dt.total_milliseconds() > _DAY_MS).fill_null(False),
            exclusion=exclusion(length.dt.total_milliseconds(), rules),
        )
    )


def exclusion(length_ms: pl.Expr, rules: Sessions) -> pl.Expr:
    """The first reason that fits (definitions.md section 3), null for a listener."""
    is_short = (length_ms < round(rules.minimum_seconds * 1000)).fill_null(False)
    return (
        pl.when(pl.col("client_kind").is_not_null())
        .then("client_kind")
        .when(~pl.col("has_agent"))
        .then(pl.lit("no_user_agent"))
        .when("is_internal")
        .then(pl.lit("internal"))
        .when((pl.col("protocol") == "hls") & (pl.col("media_count") == 0))
        .then(pl.lit("no_media"))
        .when(is_short)
        .then(pl.lit("too_short"))
    )
