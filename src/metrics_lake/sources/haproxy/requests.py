"""Every line into one of four accounts: accepted, reject, unclaimed, skipped."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import polars_hash as plh

from metrics_lake.privacy import Hasher
from metrics_lake.settings import Rules
from metrics_lake.sources.haproxy import clock, httplog, lines, streams
from metrics_lake.sources.haproxy.listeners import identified

_KEPT = (
    "file_number", "line_number", "text", "accepted_ms", "duration_ms", "is_early", "status", "size", "method",
    "frontend", "host", "path", "source", "address", "user_agent", "playback_id", "line_id",
)  # fmt: skip


@dataclass(frozen=True)
class Sorted:
    """The lines of a chunk by what became of them; `accepted` holds no address and no text any more."""

    accepted: pl.DataFrame
    rejects: pl.DataFrame
    unclaimed: pl.DataFrame
    skipped: pl.DataFrame


def sorted_out(numbered: pl.DataFrame, rules: Rules, hasher: Hasher, *, unfinished: set[int]) -> Sorted:
    """Sorts numbered lines out. `unfinished` are files whose last line has no line end: it may be half a line."""
    parts = lines.parted(numbered)
    dated = parts.filter(pl.col("after").is_not_null())
    undated = parts.filter(pl.col("after").is_null())
    read = httplog.read(dated, rules.haproxy.captures)
    good = clock.to_utc(_located(read.filter("is_read"), hasher), rules.haproxy.timezone)
    cut = _cut(good, unfinished)
    in_time = pl.col("accepted_ms").is_not_null()
    whole = good.filter(in_time & ~cut).select(_KEPT)
    doubled = ~pl.struct("file_number", "address", "line_id").is_first_distinct()
    single = streams.claimed(whole.filter(~doubled), rules.tenants)
    unread = _judged(pl.concat([read.filter(~pl.col("is_read")), undated], how="diagonal"))
    rejects = [
        unread.filter(pl.col("reason").is_not_null()),
        good.filter(cut).with_columns(reason=pl.lit("cut_at_end_of_file")),
        good.filter(~in_time & ~cut).with_columns(reason=pl.lit("impossible_time")),
    ]
    columns = ("file_number", "line_number", "text")
    return Sorted(
        accepted=_accepted(single.filter(pl.col("stream_number").is_not_null()), rules, hasher),
        rejects=pl.concat(frame.select(*columns, "reason") for frame in rejects),
        unclaimed=single.filter(pl.col("stream_number").is_null()).select(*columns, "frontend", "path"),
        skipped=pl.concat(
            [whole.filter(doubled).select(columns), unread.filter(pl.col("reason").is_null()).select(columns)]
        ),
    )


def _cut(good: pl.DataFrame, unfinished: set[int]) -> pl.Expr:
    """The last line of a file without a line end, if it doesn't end where a request line ends."""
    if not unfinished:
        return pl.lit(False)
    last = pl.col("line_number") == pl.col("line_number").max().over("file_number")
    return pl.col("file_number").is_in(list(unfinished)) & last & ~pl.col("is_closed")


def _located(read: pl.DataFrame, hasher: Hasher) -> pl.DataFrame:
    """Host and path of each request, the referrer's host, and the line's fingerprint."""
    uri = pl.col("uri")
    absolute = uri.str.extract(r"^[A-Za-z][A-Za-z0-9+.-]*://([^/?]*)")
    host = pl.coalesce(pl.when(pl.col("host").str.len_bytes() > 0).then("host"), absolute)
    local = pl.when(absolute.is_null()).then(uri).otherwise(uri.str.replace(r"^[^:]+://[^/?]*", ""))
    return read.with_columns(
        host=host.str.to_lowercase().str.replace(r":\d+$", ""),
        path=local.str.splitn("?", 2).struct[0],
        source=pl.col("referer").str.extract(r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?@]*@)?([^/?:]+)").str.to_lowercase(),
        line_id=plh.col("after").nchash.xxh3_64(seed=hasher.line_seed).reinterpret(signed=True),
    )


def _judged(unread: pl.DataFrame) -> pl.DataFrame:
    """Adds `reason`; null for what is no fault: blank lines, HAProxy's notices, errors before any request."""
    text, after = pl.col("text"), pl.col("after")
    notice = text.str.contains(lines.NOTICE)
    no_request = after.str.contains(r"^\S+\] \S+/\S+: ").fill_null(False)
    reason = (
        pl.when((text.str.strip_chars() == "") | no_request).then(None)
        .when(notice & after.is_null()).then(None)
        .when(after.is_null()).then(pl.lit("no_request"))
        .when(pl.col("rest").is_null() | ~text.str.contains('"', literal=True)).then(pl.lit("cut_line"))
        .otherwise(pl.lit("not_httplog"))
    )  # fmt: skip
    return unread.with_columns(reason=reason)


def _accepted(requests: pl.DataFrame, rules: Rules, hasher: Hasher) -> pl.DataFrame:
    known = streams.table(rules.tenants).select("stream_number", "tenant", "protocol", "segment_ms")
    gaps = rules.sessions
    long_gap, gap = round(gaps.long_connection_gap_seconds * 1000), round(gaps.gap_seconds * 1000)
    requests = requests.join(known, on="stream_number", how="left", maintain_order="left").with_columns(
        gap_ms=pl.when(pl.col("protocol") == "hls").then(gap).otherwise(long_gap).cast(pl.Int64),
        is_evidence=streams.is_evidence(),
    )
    privacy = rules.privacy
    named = identified(requests, rules.tenants, hasher, identity=privacy.identity, rotation=privacy.key_rotation)
    return named.drop("text", "host", "path", "method", "frontend", "line_number", "tenant", "protocol")
