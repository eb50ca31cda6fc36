"""Classifies every line as accepted, reject, unclaimed or skipped."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from itertools import count

import polars as pl
import polars_hash as plh

from metrics_lake.config.settings import Haproxy, Rules
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.sources.haproxy import clock, log_lines, streams, unwrapping
from metrics_lake.sources.haproxy.counters import counter_runs
from metrics_lake.sources.haproxy.file_times import FileTimes
from metrics_lake.sources.haproxy.formats import addresses, reject_reasons
from metrics_lake.sources.haproxy.formats.parsing import parse_lines
from metrics_lake.sources.haproxy.frontends import count_requests
from metrics_lake.sources.haproxy.impossible import impossible_times
from metrics_lake.sources.haproxy.listeners import identify_listeners, is_destroyed
from metrics_lake.sources.haproxy.proxies import HeaderHosts

_LINE = ("file_number", "line_number", "text")
_KEPT = (
    "file_number", "line_number", "text", "accepted_ms", "duration_ms", "is_early", "status", "size", "method",
    "frontend", "host", "path", "referer", "address", "user_agent", "lasting_id", "line_id", "is_tcp",
    "is_unserved", "is_time_doubtful",
)  # fmt: skip
_ABSOLUTE = r"^[A-Za-z][A-Za-z0-9+.-]*://"
_KEPT_CHARACTERS = 4096  # of a line that is too long; its masked text is even shorter


@dataclass(frozen=True)
class ClassifiedLines:
    """The lines of a chunk by class; `accepted` has no address and no text."""

    accepted: pl.DataFrame
    rejects: pl.DataFrame
    unclaimed: pl.DataFrame
    skipped: pl.DataFrame
    counters: pl.DataFrame
    frontends: pl.DataFrame  # what became of the requests of each frontend, counted
    spans: pl.DataFrame  # per file: the ends of its first and last request, of any tenant or none
    unwrapped: pl.DataFrame  # per file: `extra`, how many lines more than records it has
    part_lines: pl.DataFrame  # per part of a file, a host's lines: how many


@dataclass(frozen=True)
class ReadLines:
    """Lines as they are read, before streams claim them: requests (each once, with the `form` that read it), the others by class.

    `parsed` are all that a format parsed, with the `reason` of a reject; doubles are skipped.
    """

    requests: pl.DataFrame
    rejects: pl.DataFrame
    skipped: pl.DataFrame
    parsed: pl.DataFrame
    unwrapped: pl.DataFrame


def classify_lines(
    numbered: pl.DataFrame,
    rules: Rules,
    hasher: Hasher,
    *,
    unfinished: set[int],
    files: FileTimes | None = None,
    hosts: HeaderHosts | None = None,
) -> ClassifiedLines:
    """Classifies numbered lines. `unfinished` are files whose last line has no line end, so that it may be cut.

    `files` has the path of each file, for formats that are bound to paths, and records the last end read. `hosts`
    has the files whose lines count for the host in their header, and gets the hosts; then file_number is that of a part.
    """
    lines = read_lines(numbered, rules.haproxy, unfinished=unfinished, files=files, line_seed=hasher.line_seed)
    hosts = hosts or HeaderHosts(count())
    hosts.register(lines.parsed)
    part_lines = hosts.line_counts([lines.requests, lines.rejects, lines.skipped])
    requests, rejects, skipped, parsed = map(hosts.split, (lines.requests, lines.rejects, lines.skipped, lines.parsed))
    distinct = streams.match_streams(requests.select(_KEPT), rules.tenants)
    claimed = _of_tenants(distinct.filter(pl.col("stream_number").is_not_null()), rules, hasher)
    erased = claimed.filter("is_destroyed").with_columns(reason=pl.lit("key_destroyed"))
    return ClassifiedLines(
        accepted=_accepted(claimed.filter(~pl.col("is_destroyed")), rules, hasher),
        rejects=pl.concat([rejects, erased.select(*_LINE, "reason")]),
        unclaimed=distinct.filter(pl.col("stream_number").is_null()).select(*_LINE, "frontend", "path"),
        skipped=skipped,
        frontends=count_requests(distinct),
        counters=counter_runs(parsed.filter(pl.col("reason").is_null())),
        spans=_spans(parsed.filter(~pl.col("is_impossible"))),
        unwrapped=lines.unwrapped,
        part_lines=part_lines,
    )


def read_lines(
    numbered: pl.DataFrame,
    haproxy: Haproxy,
    *,
    unfinished: Set[int] = frozenset(),
    files: FileTimes | None = None,
    line_seed: int = 0,
) -> ReadLines:
    """Reads numbered lines: for ingest, and for the commands that say what it will read (formats/checking.py)."""
    files = files or FileTimes()
    lines = unwrapping.unwrap(numbered)
    is_long = lines["text"].str.len_bytes() > log_lines.LONGEST
    read, rest = parse_lines(lines.filter(~is_long), haproxy, files.paths, files.captures)
    parsed = clock.to_utc(_located(read, haproxy, line_seed), haproxy.timezone, files)
    is_impossible = impossible_times(parsed, haproxy.timezone, files)
    parsed = parsed.with_columns(is_impossible).with_columns(reason=_fault(parsed, haproxy, _ends(lines, unfinished)))
    whole = parsed.filter(pl.col("reason").is_null())
    doubled = ~pl.struct("file_number", "address", "line_id").is_first_distinct()
    unparsed = reject_reasons.with_reasons(rest, parsed["file_number"].unique())
    faulty = pl.concat(frame.select(*_LINE, "reason") for frame in (unparsed, parsed, _too_long(lines.filter(is_long))))
    skipped = [whole.filter(doubled).select(_LINE), unparsed.filter(pl.col("reason").is_null()).select(_LINE)]
    return ReadLines(
        requests=whole.filter(~doubled),
        rejects=faulty.filter(pl.col("reason").is_not_null()),
        skipped=pl.concat(skipped),
        parsed=parsed,
        unwrapped=_unwrapped(numbered, lines),
    )


def _unwrapped(numbered: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """How many lines more a file has than its records, where one record wraps several."""
    if lines.height == numbered.height:
        return numbered.clear().select("file_number", extra=pl.lit(0, pl.Int64))
    counts = (
        lines["file_number"].value_counts(name="lines").join(numbered["file_number"].value_counts(), on="file_number")
    )
    return counts.select("file_number", extra=pl.col("lines").cast(pl.Int64) - pl.col("count").cast(pl.Int64))


def _spans(timed: pl.DataFrame) -> pl.DataFrame:
    """Includes rejects, unless their time is impossible, and unclaimed requests: they show that the log has arrived."""
    end = pl.col("accepted_ms") + pl.col("duration_ms").fill_null(0)
    return timed.group_by("file_number").agg(low=end.min(), high=end.max())


def _too_long(numbered: pl.DataFrame) -> pl.DataFrame:
    return numbered.with_columns(pl.col("text").str.slice(0, _KEPT_CHARACTERS), reason=pl.lit("too_long"))


def _ends(numbered: pl.DataFrame, unfinished: Set[int]) -> dict[int, int]:
    """The number of the last line of each unfinished file."""
    if not unfinished:
        return {}
    ends = numbered.group_by("file_number").agg(pl.col("line_number").max())
    return {file: number for file, number in ends.iter_rows() if file in unfinished}


def _fault(parsed: pl.DataFrame, haproxy: Haproxy, ends: dict[int, int]) -> pl.Expr:
    """Why a line that was parsed is rejected; null if it is accepted."""
    no_address = pl.lit("address_not_hashed" if haproxy.address_mode == "hashed" else "no_address")
    return (
        pl.when(_is_cut(ends)).then(pl.lit("cut_at_end_of_file"))
        .when(_is_tail(parsed, haproxy)).then(pl.lit("cut_at_start_of_file"))
        .when("is_impossible").then(pl.lit("impossible_time"))
        .when(_is_empty_request()).then(pl.lit("empty_request"))
        .when(addresses.is_invalid(haproxy)).then(no_address)
    )  # fmt: skip


def _is_empty_request() -> pl.Expr:
    """Whether the request line is empty: HAProxy writes `<BADREQ>` for what it can't parse, so it was lost on the way."""
    is_empty = (pl.col("method").str.strip_chars() == "").fill_null(False)
    return is_empty & pl.col("is_closed").fill_null(True) & ~pl.col("is_tcp").fill_null(False)


def _is_cut(ends: dict[int, int]) -> pl.Expr:
    """Whether this is the last line of an unfinished file and doesn't end with a complete request line."""
    last = pl.col("file_number").replace_strict(ends, default=None, return_dtype=pl.Int64)
    return (pl.col("line_number") == last).fill_null(False) & ~pl.col("is_closed")


def _is_tail(parsed: pl.DataFrame, haproxy: Haproxy) -> pl.Expr:
    """Whether this is the first line of a file and lacks its start, which `copytruncate` cut off.

    Such a line begins with an address that is invalid, or that has a header before it in all other lines of the file.
    """
    is_bare, is_first = pl.col("text").str.starts_with(pl.col("address")), pl.col("line_number") == 1
    first = parsed.filter(is_first & is_bare & ~pl.col("address").is_in(["-", "unix"])).select("file_number", "address")
    others = parsed.filter(~is_first & pl.col("file_number").is_in(first["file_number"].implode()))
    has_header = dict(others.group_by("file_number").agg((~is_bare).all()).iter_rows())
    is_hash = haproxy.address_mode == "hashed"
    cut = [file for file, at in first.rows() if has_header.get(file) or not (is_hash or addresses.parse_address(at))]
    return pl.col("file_number").is_in(cut) & is_first


def _located(read: pl.DataFrame, haproxy: Haproxy, line_seed: int) -> pl.DataFrame:
    """Adds host, path and line fingerprint, and the client's address behind trusted proxies."""
    uri = pl.col("uri")
    not_a_path = pl.when(~uri.str.starts_with("/")).then(uri)  # null on most lines, which keeps the next steps fast
    url = pl.when(not_a_path.str.contains(_ABSOLUTE)).then(not_a_path)
    absolute = url.str.extract(rf"{_ABSOLUTE}([^/?]*)")
    host_columns = [pl.when(pl.col("host").str.len_bytes() > 0).then("host"), absolute]
    host_columns += [pl.col("sni")] if "sni" in read.columns else []
    local = pl.coalesce(url.str.replace(r"^[^:]+://[^/?]*", ""), uri)
    located = read.with_columns(
        host=pl.coalesce(host_columns).str.to_lowercase().str.replace(r":\d+$", ""),
        path=local.str.splitn("?", 2).struct[0],
        line_id=plh.col("after").nchash.xxh3_64(seed=line_seed).reinterpret(signed=True),
        **{name: _flag(read, name) for name in ("is_tcp", "is_unserved")},
    )
    return addresses.with_client_address(located, haproxy)


def _flag(read: pl.DataFrame, name: str) -> pl.Expr:
    """A boolean column that a parser omits if it is false on every line."""
    return pl.col(name).fill_null(False) if name in read.columns else pl.lit(False)


def _of_tenants(claimed: pl.DataFrame, rules: Rules, hasher: Hasher) -> pl.DataFrame:
    """Adds tenant, protocol, segment_ms, and is_destroyed."""
    stream_table = streams.table(rules.tenants).select("stream_number", "tenant", "protocol", "segment_ms")
    joined = claimed.join(stream_table, on="stream_number", how="left", maintain_order="left")
    return is_destroyed(joined, hasher, rules.privacy.key_rotation)


def _accepted(requests: pl.DataFrame, rules: Rules, hasher: Hasher) -> pl.DataFrame:
    gaps = rules.sessions
    long_gap, gap = round(gaps.long_connection_gap_seconds * 1000), round(gaps.gap_seconds * 1000)
    requests = requests.with_columns(
        gap_ms=pl.when(pl.col("protocol") == "hls").then(gap).otherwise(long_gap).cast(pl.Int64),
        is_evidence=streams.is_evidence().fill_null(False),
    )
    identified = identify_listeners(requests, rules, hasher)
    return identified.drop(
        "text", "host", "path", "method", "frontend", "line_number", "tenant", "protocol", "is_tcp", "is_unserved",
        "is_destroyed",
    )  # fmt: skip
