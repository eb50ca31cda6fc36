"""Streams whose log has no field for the user agent. They are counted, but bots look like people there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.io.lake import delta
from metrics_lake.sources.haproxy.reading import VISIT

REMEDY = (
    "add `capture request header User-Agent len 256` to the frontend, or the agent to a log-format of your own; "
    "TCP mode has none to log"
)
_NEWEST = timedelta(days=1)


@dataclass(frozen=True)
class UnknownAgents:
    """A stream, and of how many of its requests that show listening the agent is unknown."""

    tenant: str
    stream: str
    unknown: int
    requests: int

    @property
    def text(self) -> str:
        return f"{self.tenant}/{self.stream} ({self.unknown:,} of {self.requests:,} requests)"


def unknown_agents(lake: str, since: int | None = None) -> list[UnknownAgents]:
    """The streams in the batches after `since`, or without it in the newest two days of bronze."""
    rows = delta.scanned(f"{lake}/{bronze.TABLE.path}")
    if rows is None:
        return []
    visits = rows.filter(pl.col("row_kind") == VISIT)
    where = pl.col("batch_number") > since if since is not None else _is_recent(visits)
    is_unknown = pl.col("has_agent").is_null()
    counts = (
        visits.filter(where & pl.col("is_evidence"))
        .group_by("tenant", "stream")
        .agg(pl.col("request_count").filter(is_unknown).sum().alias("unknown"), pl.col("request_count").sum())
        .filter(pl.col("unknown") > 0)
        .sort("tenant", "stream")
        .collect()
    )
    return [UnknownAgents(*row) for row in counts.rows()]


def warning(streams: Sequence[UnknownAgents]) -> str:
    """One line for people, without the remedy; empty where every request has a place for the agent."""
    if not streams:
        return ""
    return f"the log has no place for the user agent of {', '.join(stream.text for stream in streams)}: bots count as people there"


def _is_recent(visits: pl.LazyFrame) -> pl.Expr:
    newest = visits.select(pl.col("happened_on").max()).collect().item()
    return pl.col("happened_on") >= newest - _NEWEST if newest else pl.lit(False)
