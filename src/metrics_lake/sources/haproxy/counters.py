"""HAProxy's own counters, if they are logged: `%lc` counts the lines of a frontend, `%rt` the requests of a process.

A missing number is a lost line, and a repeated number is a duplicated line. Consecutive numbers are folded into runs,
so that an hour of a busy proxy is one row with a few runs.
"""

from __future__ import annotations

import polars as pl

from metrics_lake.sources.haproxy.httplog import COUNTERS

_HOUR_MS = 3_600_000
_KEY = ("file_number", "frontend", "process_number", "counter", "hour_ms")
_EMPTY: dict[str, type[pl.DataType] | pl.DataType] = {
    "file_number": pl.UInt32, "frontend": pl.String, "process_number": pl.Int64, "counter": pl.String, "hour_ms": pl.Int64,
    "first_numbers": pl.List(pl.Int64), "last_numbers": pl.List(pl.Int64), "line_count": pl.UInt32,
}  # fmt: skip


def counter_runs(requests: pl.DataFrame) -> pl.DataFrame:
    """The runs of numbers and the line count for each file, frontend, process and hour of writing.

    `%lc` is preferred because it follows the order of lines; `%rt` counts over all frontends, so its rows have no frontend.
    """
    if not set(COUNTERS) <= set(requests.columns):
        return pl.DataFrame(schema=_EMPTY)
    has_lines = pl.col("log_counter").is_not_null()
    end = pl.col("accepted_ms") + pl.col("duration_ms").fill_null(0)
    numbered = requests.select(
        "file_number",
        frontend=pl.when(has_lines).then("frontend"),
        process_number="process_number",
        counter=pl.when(has_lines).then(pl.lit("log")).otherwise(pl.lit("request")),
        hour_ms=end // _HOUR_MS * _HOUR_MS,
        number=pl.coalesce("log_counter", "request_counter"),
    ).drop_nulls(["process_number", "number", "hour_ms"])
    ordered = numbered.sort(*_KEY, "number", nulls_last=True)
    starts = (pl.col("number").diff() > 1).fill_null(True)
    runs = ordered.with_columns(run=starts.cum_sum().over(_KEY)).group_by(*_KEY, "run", maintain_order=True)
    spans = runs.agg(first_numbers=pl.col("number").min(), last_numbers=pl.col("number").max(), line_count=pl.len())
    return (
        spans.group_by(_KEY, maintain_order=True)
        .agg("first_numbers", "last_numbers", pl.col("line_count").sum())
        .select(pl.col(name).cast(dtype) for name, dtype in _EMPTY.items())
    )
