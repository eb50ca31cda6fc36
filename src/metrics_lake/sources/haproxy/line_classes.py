"""Every line into one of four accounts: accepted, reject, unclaimed, skipped."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import polars_hash as plh

from metrics_lake.config.settings import Haproxy, Rules
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.sources.haproxy import clock, log_lines, streams
from metrics_lake.sources.haproxy.counters import counted
from metrics_lake.sources.haproxy.file_times import Files
from metrics_lake.sources.haproxy.formats import addresses, reject_reasons
from metrics_lake.sources.haproxy.formats.parsing import understood
from metrics_lake.sources.haproxy.impossible import impossible
from metrics_lake.sources.haproxy.listeners import identified, is_destroyed

_LINE = ("file_number", "line_number", "text")
_KEPT = (
    "file_number", "line_number", "text", "accepted_ms", "duration_ms", "is_early", "status", "size", "method",
    "frontend", "host", "path", "referer", "address", "user_agent", "playback_id", "line_id", "is_tcp",
    "is_unserved", "is_time_doubtful",
)  # fmt: skip
_ABSOLUTE = r"^[A-Za-z][A-Za-z0-9+.-]*://"
_SHOWN = 4096  # of a line that is too long; the masked text is shorter still


@dataclass(frozen=True)
class Sorted:
    """The lines of a chunk by what became of them; `accepted` holds no address and no text any more."""

    accepted: pl.DataFrame
    rejects: pl.DataFrame
    unclaimed: pl.DataFrame
    skipped: pl.DataFrame
    counters: pl.DataFrame
    spans: pl.DataFrame  # of each file: ends of the first and the last request, whoever it is of


def sorted_out(
    numbered: pl.DataFrame, rules: Rules, hasher: Hasher, *, unfinished: set[int], files: Files | None = None
) -> Sorted:
    """Sorts numbered lines out. `unfinished` are files whose last line has no line end: it may be half a line.

    `files` says where each file lies, for formats that are bound to files, and remembers up to which end it was read.
    """
    files = files or Files()
    is_long = numbered["text"].str.len_bytes() > log_lines.LONGEST
    read, rest = understood(log_lines.unwrapped(numbered.filter(~is_long)), rules.haproxy, files.paths)
    good = clock.to_utc(_located(read, rules.haproxy, hasher), rules.haproxy.timezone, files)
    wrong = impossible(good, rules.haproxy.timezone, files)
    good = good.with_columns(reason=_fault(good, wrong, rules.haproxy, _ends(numbered, unfinished)))
    whole = good.filter(pl.col("reason").is_null()).select(_KEPT)
    doubled = ~pl.struct("file_number", "address", "line_id").is_first_distinct()
    single = streams.claimed(whole.filter(~doubled), rules.tenants)
    judged = reject_reasons.with_reasons(rest, good["file_number"].unique())
    too_long = _too_long(numbered.filter(is_long))
    ours = _of_tenants(single.filter(pl.col("stream_number").is_not_null()), rules, hasher)
    erased = ours.filter("is_destroyed").with_columns(reason=pl.lit("key_destroyed"))
    faulty = pl.concat(frame.select(*_LINE, "reason") for frame in (judged, good, too_long, erased))
    skipped = [whole.filter(doubled).select(_LINE), judged.filter(pl.col("reason").is_null()).select(_LINE)]
    return Sorted(
        accepted=_accepted(ours.filter(~pl.col("is_destroyed")), rules, hasher),
        rejects=faulty.filter(pl.col("reason").is_not_null()),
        unclaimed=single.filter(pl.col("stream_number").is_null()).select(*_LINE, "frontend", "path"),
        skipped=pl.concat(skipped),
        counters=counted(good.filter(pl.col("reason").is_null())),
        spans=_spans(good.filter(~wrong)),
    )


def _spans(timed: pl.DataFrame) -> pl.DataFrame:
    """Lines that are refused for another reason than their time have come too, and so have those of nobody's stream."""
    end = pl.col("accepted_ms") + pl.col("duration_ms").fill_null(0)
    return timed.group_by("file_number").agg(low=end.min(), high=end.max())


def _too_long(numbered: pl.DataFrame) -> pl.DataFrame:
    return numbered.with_columns(pl.col("text").str.slice(0, _SHOWN), reason=pl.lit("too_long"))


def _ends(numbered: pl.DataFrame, unfinished: set[int]) -> dict[int, int]:
    """The last line's number of each unfinished file, whatever that line is."""
    if not unfinished:
        return {}
    ends = numbered.group_by("file_number").agg(pl.col("line_number").max())
    return {file: number for file, number in ends.iter_rows() if file in unfinished}


def _fault(good: pl.DataFrame, wrong: pl.Series, haproxy: Haproxy, ends: dict[int, int]) -> pl.Expr:
    """Why a line that could be read is refused all the same; null if it isn't. `wrong` are those of an impossible time."""
    no_address = pl.lit("address_not_hashed" if haproxy.address_mode == "hashed" else "no_address")
    return (
        pl.when(_cut(ends)).then(pl.lit("cut_at_end_of_file"))
        .when(_is_tail(good, haproxy)).then(pl.lit("cut_at_start_of_file"))
        .when(pl.lit(wrong)).then(pl.lit("impossible_time"))
        .when(addresses.is_none(haproxy)).then(no_address)
    )  # fmt: skip


def _cut(ends: dict[int, int]) -> pl.Expr:
    """The last line of a file without a line end, if it doesn't end where a request line ends."""
    last = pl.col("file_number").replace_strict(ends, default=None, return_dtype=pl.Int64)
    return (pl.col("line_number") == last).fill_null(False) & ~pl.col("is_closed")


def _is_tail(good: pl.DataFrame, haproxy: Haproxy) -> pl.Expr:
    """The first line of a file, if it begins in the midst of itself: what `copytruncate` left of it.

    It begins with an address then, which is none any more, or which in all of the file's other lines something precedes.
    """
    is_bare, is_first = pl.col("text").str.starts_with(pl.col("address")), pl.col("line_number") == 1
    first = good.filter(is_first & is_bare & ~pl.col("address").is_in(["-", "unix"])).select("file_number", "address")
    others = good.filter(~is_first & pl.col("file_number").is_in(first["file_number"].implode()))
    is_dressed = dict(others.group_by("file_number").agg((~is_bare).all()).iter_rows())
    is_hash = haproxy.address_mode == "hashed"
    cut = [file for file, at in first.rows() if is_dressed.get(file) or not (is_hash or addresses.parsed(at))]
    return pl.col("file_number").is_in(cut) & is_first


def _located(read: pl.DataFrame, haproxy: Haproxy, hasher: Hasher) -> pl.DataFrame:
    """Host and path of each request, who asked, the referrer's host, and the line's fingerprint."""
    uri = pl.col("uri")
    odd = pl.when(~uri.str.starts_with("/")).then(uri)  # null on most lines, so that what follows is quick
    url = pl.when(odd.str.contains(_ABSOLUTE)).then(odd)
    absolute = url.str.extract(rf"{_ABSOLUTE}([^/?]*)")
    asked_for = [pl.when(pl.col("host").str.len_bytes() > 0).then("host"), absolute]
    asked_for += [pl.col("sni")] if "sni" in read.columns else []
    local = pl.coalesce(url.str.replace(r"^[^:]+://[^/?]*", ""), uri)
    located = read.with_columns(
        host=pl.coalesce(asked_for).str.to_lowercase().str.replace(r":\d+$", ""),
        path=local.str.splitn("?", 2).struct[0],
        line_id=plh.col("after").nchash.xxh3_64(seed=hasher.line_seed).reinterpret(signed=True),
        **{name: _flag(read, name) for name in ("is_tcp", "is_unserved")},
    )
    return addresses.asking(located, haproxy)


def _flag(read: pl.DataFrame, name: str) -> pl.Expr:
    """A column of those that a reader leaves out where they are false on every line."""
    return pl.col(name).fill_null(False) if name in read.columns else pl.lit(False)


def _of_tenants(claimed: pl.DataFrame, rules: Rules, hasher: Hasher) -> pl.DataFrame:
    """Adds tenant, protocol, segment_ms, and is_destroyed."""
    known = streams.table(rules.tenants).select("stream_number", "tenant", "protocol", "segment_ms")
    joined = claimed.join(known, on="stream_number", how="left", maintain_order="left")
    return is_destroyed(joined, hasher, rules.privacy.key_rotation)


def _accepted(requests: pl.DataFrame, rules: Rules, hasher: Hasher) -> pl.DataFrame:
    gaps = rules.sessions
    long_gap, gap = round(gaps.long_connection_gap_seconds * 1000), round(gaps.gap_seconds * 1000)
    requests = requests.with_columns(
        gap_ms=pl.when(pl.col("protocol") == "hls").then(gap).otherwise(long_gap).cast(pl.Int64),
        is_evidence=streams.is_evidence().fill_null(False),
    )
    named = identified(requests, rules, hasher)
    return named.drop(
        "text", "host", "path", "method", "frontend", "line_number", "tenant", "protocol", "is_tcp", "is_unserved",
        "is_destroyed",
    )  # fmt: skip
