"""`option httplog`, field by field (HAProxy's manual, 8.2.3): split at fixed places, no regular expression a line.

%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

HEADERS = ("host", "referer", "user_agent", "x_forwarded_for", "playback_id")
DEFAULT_LAYOUTS: Mapping[int, tuple[str, ...]] = {1: ("user_agent",), 3: ("host", "referer", "user_agent")}
_FIELDS = ("stamp", "frontend", "backend", "timers", "status", "size", "cc", "cs", "ended", "conns", "queues", "rest")


def read(parts: pl.DataFrame, layouts: Mapping[str, tuple[str, ...]]) -> pl.DataFrame:
    """Requests from lines parted at their date; `is_read` is false where a line is none of this format.

    `layouts` says for a frontend which captured request header is which; others go by their number of headers.
    """
    fields = parts.with_columns(
        pl.col("after").str.splitn(" ", len(_FIELDS)).struct.rename_fields(list(_FIELDS)).alias("fields"),
        client=pl.col("before").str.extract(r"(\S+)$"),
    ).unnest("fields")
    fields = fields.with_columns(
        pl.col("client").str.extract(r"^(.+):\d+$").alias("address"),
        pl.col("frontend").str.strip_suffix("~"),
        accepted_ms=_milliseconds("stamp"),
        last_timer=pl.col("timers").str.splitn("/", 5).struct[4],
        **_quoted(),
    )
    return _with_headers(_with_numbers(fields), layouts)


def _milliseconds(stamp: str) -> pl.Expr:
    """`dd/Mon/yyyy:hh:mm:ss.mmm]` as naive milliseconds; seconds repeat, so they are parsed once each."""
    seconds = pl.col(stamp).str.slice(0, 20).str.to_datetime("%d/%b/%Y:%H:%M:%S", strict=False, cache=True)
    fraction = pl.col(stamp).str.slice(21, 3).cast(pl.Int64, strict=False)
    return seconds.dt.epoch("ms") + fraction.fill_null(0)


def _quoted() -> dict[str, pl.Expr]:
    """The tail `{request captures} {response captures} "request line"`, any part of which may be missing."""
    tail = pl.col("rest").str.splitn('"', 2)
    captures = tail.struct[0].str.strip_chars()
    inside = pl.when(captures.str.starts_with("{")).then(captures.str.strip_prefix("{").str.splitn("}", 2).struct[0])
    return {"captures": inside, "request": tail.struct[1]}


def _with_numbers(fields: pl.DataFrame) -> pl.DataFrame:
    request = pl.col("request").str.strip_suffix('"').str.splitn(" ", 3)
    total = pl.col("last_timer").str.strip_prefix("+").cast(pl.Int64, strict=False)
    return fields.with_columns(
        is_early=pl.col("last_timer").str.starts_with("+"),
        duration_ms=pl.when(total >= 0).then(total),
        status=pl.col("status").cast(pl.Int16, strict=False),
        size=pl.col("size").str.strip_prefix("+").cast(pl.Int64, strict=False),
        method=request.struct[0],
        uri=request.struct[1],
        is_closed=pl.col("request").str.ends_with('"'),
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


def _with_headers(fields: pl.DataFrame, layouts: Mapping[str, tuple[str, ...]]) -> pl.DataFrame:
    """Each captured header under its name, by the layout of its frontend and the number of captures."""
    fields = fields.with_columns(pl.col("captures").str.split("|"))
    fields = fields.with_columns(capture_count=pl.col("captures").list.len())
    places = _places(fields.select("frontend", "capture_count").unique(), layouts)
    placed = fields.join(places, on=["frontend", "capture_count"], how="left", nulls_equal=True, maintain_order="left")
    return placed.with_columns(
        pl.col("captures").list.get(pl.col(f"{header}_place"), null_on_oob=True).alias(header) for header in HEADERS
    ).drop(f"{header}_place" for header in HEADERS)


def _places(kinds: pl.DataFrame, layouts: Mapping[str, tuple[str, ...]]) -> pl.DataFrame:
    def place(row: tuple[str | None, int | None], header: str) -> int | None:
        frontend, count = row
        layout = layouts.get(frontend or "", DEFAULT_LAYOUTS.get(count or 0, ()))
        return layout.index(header) if header in layout and count else None

    rows = kinds.rows()
    return kinds.with_columns(
        pl.Series(f"{header}_place", [place(row, header) for row in rows], dtype=pl.Int64) for header in HEADERS
    )
