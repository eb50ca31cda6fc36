"""Who listened to what, from when to when, without a break?

Grain: one session. A session is a merge of intervals (definitions.md section 2), so any order, any split into
batches and any repetition of the input gives the same rows. Catch: a late piece may lengthen a session or join two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from metrics_lake.config.settings import Sessions
from metrics_lake.model import dimensions
from metrics_lake.model.tables import Table
from metrics_lake.silver.merging import KEY, merged, widest_gap
from metrics_lake.silver.tenant_days import last_known

TABLE = Table(
    "silver.sessions",
    partitioned_by=("started_on",),
    keep=timedelta(days=1100),
    pruned_by=("started_at", "ended_at", "last_request_at"),  # of ids the log holds nothing, as it outlives erasure
    columns=f"""
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream of the tenant'
    protocol STRING NOT NULL COMMENT 'hls, icecast or tcp'
    session_id STRING NOT NULL COMMENT 'Hash of tenant, stream, listener_id and started_at, 32 hex digits'
    listener_id STRING NOT NULL COMMENT 'Keyed one-way hash of address and user agent, 32 hex digits'
    started_on DATE NOT NULL COMMENT 'UTC day of started_at'
    started_at TIMESTAMP NOT NULL COMMENT 'When the first request was accepted, UTC'
    ended_at TIMESTAMP COMMENT 'End, exclusive, UTC; null where only the start is known (logasap)'
    last_request_at TIMESTAMP NOT NULL COMMENT 'When the last request was accepted, UTC'
    request_count BIGINT NOT NULL COMMENT 'Requests that show the listening'
    media_count BIGINT NOT NULL COMMENT 'Those of them for media'
    byte_count BIGINT NOT NULL COMMENT 'Bytes sent to the client, heads included'
    exclusion STRING COMMENT 'Why the session is not counted (definitions.md section 3); null where it is'
    is_marathon BOOLEAN NOT NULL COMMENT 'Longer than 24 hours'
    {dimensions.session_columns()}
    """,
)

INSERT, DELETE = "insert", "delete"


def rebuilt(
    runs: pl.DataFrame, old: pl.DataFrame, rules: Sessions, again: Sequence[tuple[datetime, datetime]] = ()
) -> pl.DataFrame:
    """The changes that due runs make to sessions: each that they touch is built again from all its evidence.

    So is each in the stretches `again`, whose files were read again: runs that it was made from may be gone.
    """
    spans = _spans(runs.filter("is_due"), old, widest_gap(rules), again)
    near = runs.join(spans, on=KEY).filter(pl.col("first_at").is_between("low", "high"))
    fresh = merged(near.drop("low", "high"), rules).select(TABLE.names)
    touched = _touching(old, spans).select(TABLE.names)
    columns = list(TABLE.names)
    return pl.concat([
        fresh.join(touched, on=columns, how="anti", nulls_equal=True).with_columns(change=pl.lit(INSERT)),
        touched.join(fresh, on=columns, how="anti", nulls_equal=True).with_columns(change=pl.lit(DELETE)),
    ])  # fmt: skip


def touches(stretches: Sequence[tuple[datetime, datetime]]) -> pl.Expr:
    """Whether a session lies in any of these stretches of time, or reaches into it."""
    return pl.any_horizontal(
        pl.lit(False), *((pl.col("started_at") <= end) & (last_known() >= start) for start, end in stretches)
    )


def _spans(
    due: pl.DataFrame, old: pl.DataFrame, gap: timedelta, again: Sequence[tuple[datetime, datetime]]
) -> pl.DataFrame:
    """For each listener and stream of due runs: the stretch of time, low to high, in which sessions may change.

    It may be too wide: the sessions that it touches are built again from all their evidence, and come out as they were.
    """
    bereft = old.filter(touches(again)).select(*KEY, first_at="started_at", last_at=last_known())
    pieces = pl.concat([due.select(bereft.columns), bereft])
    new = pieces.group_by(KEY).agg(low=pl.col("first_at").min() - gap, high=pl.col("last_at").max() + gap)
    touched = _touching(old, new).group_by(KEY)
    older = touched.agg(old_low=pl.col("started_at").min(), old_high=last_known().max())
    joined = new.join(older, on=KEY, how="left")
    return joined.select(*KEY, low=pl.min_horizontal("low", "old_low"), high=pl.max_horizontal("high", "old_high"))


def _touching(old: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    joined = old.join(spans, on=KEY)
    return joined.filter((pl.col("started_at") <= pl.col("high")) & (last_known() >= pl.col("low")))


@dataclass(frozen=True)
class Between:
    """Sessions that lie in, or touch, a stretch of time; put so that the statistics of files can answer it too."""

    start: datetime
    end: datetime

    def condition(self, field: Callable[[str], Any]) -> Any:
        """The condition. `field` makes a column out of its name: `pl.col`, or Spark's `F.col`."""
        later = (field("ended_at") >= self.start) | (field("last_request_at") >= self.start)  # a known end comes last
        return (field("started_at") <= self.end) & (field("started_on") <= self.end.date()) & later

    @property
    def expr(self) -> pl.Expr:
        """The condition for Polars."""
        condition: pl.Expr = self.condition(pl.col)
        return condition
