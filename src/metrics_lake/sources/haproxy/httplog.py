"""`option httplog`, field by field (HAProxy's manual, 8.2.3): split at fixed places, no regular expression a line.

%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r

Most lines of most logs have this format, so it has its own fast parser. What follows the request line (`option httpslog`,
or fields that an administrator added) stays in `tail`.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import polars as pl

from metrics_lake.sources.haproxy.captures import HEADERS, Layouts
from metrics_lake.sources.haproxy.clock import naive_ms

NO_SERVER = "<NOSRV>"  # in place of a server's name: HAProxy answered itself, or nothing answered
COUNTERS = ("process_number", "log_counter", "request_counter")  # lost lines are detected by them
# The columns of a parsed request. A parser may omit those that are null or false on every line of its format.
COLUMNS = (
    "file_number", "line_number", "text", "after", "address", "accepted_ms", "is_utc", "duration_ms", "is_early",
    "status", "size", "method", "uri", "is_closed", "frontend", *HEADERS, "sni", "is_tcp", "is_unserved", *COUNTERS, "is_read",
)  # fmt: skip
_FIELDS = ("stamp", "frontend", "backend", "timers", "status", "size", "cc", "cs", "ended", "conns", "queues", "rest")


def read(parts: pl.DataFrame, layouts: Layouts) -> pl.DataFrame:
    """Requests from lines that are split at their date; `is_read` is false if a line doesn't have this format.

    `layouts` knows which captured request header of a frontend is which.
    """
    fields = parts.with_columns(
        pl.col("after").str.splitn(" ", len(_FIELDS)).struct.rename_fields(list(_FIELDS)).alias("fields"),
        address=_address(pl.col("before")),
    ).unnest("fields")
    fields = fields.with_columns(
        pl.col("frontend").str.strip_suffix("~"),
        pl.col("rest").str.splitn('"', 3).struct.rename_fields(["captured", "request", "tail"]),
        accepted_ms=naive_ms(pl.col("stamp")),
        last_timer=pl.col("timers").str.splitn("/", 5).struct[4],
    ).unnest("rest")
    return _with_headers(_with_numbers(fields), layouts)


def _address(before: pl.Expr) -> pl.Expr:
    """The text before the port at the end. `find` and `slice` take a third of the time of a capturing group."""
    start = before.str.find(r"[^\s>]+:\d+$")
    return before.cast(pl.Binary).bin.slice(start).cast(pl.String).str.replace(r":\d+$", "")


def _with_headers(fields: pl.DataFrame, layouts: Layouts) -> pl.DataFrame:
    """Adds the captured headers, from `{request captures} {response captures} ` before the request line.

    A listener sends the same headers with each request, so only distinct values are split.
    """
    key = ["file_number", "frontend", "captured"]
    distinct = fields.select(key).unique().with_columns(captures=groups(pl.col("captured")))
    named = name_captures(distinct, layouts).select(*key, *HEADERS)
    return fields.join(named, on=key, how="left", nulls_equal=True, maintain_order="left")


def groups(captures: pl.Expr) -> pl.Expr:
    """The request headers of `{a|b} {c}` as a list; null if nothing is captured."""
    stripped = captures.str.strip_chars()
    inside = pl.when(stripped.str.starts_with("{")).then(stripped.str.strip_prefix("{").str.splitn("}", 2).struct[0])
    return inside.str.split("|")


def _with_numbers(fields: pl.DataFrame) -> pl.DataFrame:
    request = pl.col("request").str.splitn(" ", 3)
    total = pl.col("last_timer").str.strip_prefix("+").cast(pl.Int64, strict=False)
    return fields.with_columns(
        is_early=pl.col("last_timer").str.starts_with("+"),
        duration_ms=pl.when(total >= 0).then(total),
        status=pl.col("status").cast(pl.Int16, strict=False),
        size=pl.col("size").str.strip_prefix("+").cast(pl.Int64, strict=False),
        method=request.struct[0],
        uri=request.struct[1],
        is_closed=pl.col("tail").is_not_null(),
        is_unserved=pl.col("backend").str.ends_with(f"/{NO_SERVER}"),
    ).with_columns(
        is_read=pl.col("address").is_not_null()
        & pl.col("accepted_ms").is_not_null()
        & total.is_not_null()
        & pl.col("status").is_not_null()
        & pl.col("size").is_not_null()
        & (pl.col("ended").str.len_bytes() == 4)
        & pl.col("backend").str.contains("/", literal=True)
        & pl.col("method").is_not_null()
    )


def name_captures(fields: pl.DataFrame, layouts: Layouts, *, own: AbstractSet[str] = frozenset()) -> pl.DataFrame:
    """Each captured header under its name, by the layout of its frontend and the number of captures.

    Headers in `own` already have a column, which is kept.
    """
    return (
        layouts.name(fields)
        .with_columns(
            pl.col("captures").list.get(pl.col(f"{header}_place"), null_on_oob=True).alias(header)
            for header in HEADERS
            if header not in own
        )
        .drop(f"{header}_place" for header in HEADERS)
    )
