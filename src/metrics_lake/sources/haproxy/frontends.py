"""What became of the requests of each frontend, so that a person can see what their log lacks: see `bronze/line_shares.py`."""

from __future__ import annotations

import polars as pl

from metrics_lake.config.settings import Rules
from metrics_lake.privacy.line_shapes import path_element
from metrics_lake.privacy.redaction import Names
from metrics_lake.sources.haproxy import streams
from metrics_lake.sources.haproxy.streams import CONNECTION, NONE, SEGMENT
from metrics_lake.sources.lookups.user_agents import NO_VALUES

_KEY = ("file_number", "frontend", "stream_number")
_SUFFIX = r"(\.[A-Za-z][A-Za-z0-9]{0,6})?$"
_NO_REQUEST = r"^$|^<BADREQ>$"
FRONTEND = "frontend"  # the kind of row


def count_requests(requests: pl.DataFrame) -> pl.DataFrame:
    """Counts by file, frontend and stream (null if no stream claims them). A request without a kind gives an example path."""
    kind = pl.col("request_kind")
    is_claimed = pl.col("stream_number").is_not_null()
    is_nothing = (kind == NONE) & is_claimed & (pl.col("method") == "GET")
    return requests.group_by(_KEY, maintain_order=True).agg(
        line_count=pl.len(),
        without_request_count=(_has_no_request() & ~pl.col("is_tcp")).sum(),
        without_agent_count=_has_no_agent().sum(),
        without_media_count=is_nothing.sum(),
        media_count=(kind.is_in([SEGMENT, CONNECTION]) & is_claimed).sum(),
        example_path=pl.col("path").filter(is_nothing.fill_null(False)).min(),
    )


def frontend_rows(counted: pl.DataFrame, rules: Rules, names: Names) -> pl.DataFrame:
    """The counts as rows of `bronze.haproxy`: with tenant and stream, the frontend redacted, of paths the shape."""
    known = streams.table(rules.tenants).select("stream_number", "tenant", "stream")
    frontends = {frontend: names.redact_path(frontend) for frontend in counted["frontend"].drop_nulls().unique()}
    return (
        counted.join(known, on="stream_number", how="left", maintain_order="left")
        .with_columns(
            pl.col("frontend").replace(frontends),
            row_kind=pl.lit(FRONTEND),
            example_path=example_paths(pl.col("example_path")),
        )
        .drop("stream_number")
    )


def example_paths(path: pl.Expr) -> pl.Expr:
    """The first element and the suffix of a path, of its last element the shape alone: `/live/…/aaaaa_9.m4x`."""
    elements = path.str.replace(r";[^/]*$", "").str.extract_groups(r"^(/?[^/]*)(/.*)?/([^/]*)$").struct
    start, between, last = elements[0], elements[1], elements[2].str.head(40)
    suffix = last.str.extract(_SUFFIX).fill_null("")
    shape = last.str.replace(_SUFFIX, "").str.replace_all(r"\pL", "a").str.replace_all(r"\pN", "9")
    dots = pl.when(between.is_not_null()).then(pl.lit("/…/")).otherwise(pl.lit("/"))
    return pl.concat_str(path_element(start.str.head(64)), dots, shape, suffix)


def _has_no_request() -> pl.Expr:
    return pl.col("method").is_null() | pl.col("method").str.contains(_NO_REQUEST)


def _has_no_agent() -> pl.Expr:
    agent = pl.col("user_agent")
    return agent.is_null() | agent.is_in(NO_VALUES)
