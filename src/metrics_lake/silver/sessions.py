"""Who listened to what, from when to when, without a break?

Grain: one session. A session is a merge of intervals (definitions.md section 2), so any order, any split into
batches and any repetition of the input gives the same rows. Catch: a late piece may lengthen a session or join two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metrics_lake.config.settings import Sessions
from metrics_lake.model import dimensions
from metrics_lake.model.arrow import arrow_schema, fitted
from metrics_lake.model.periods import Calendar
from metrics_lake.model.tables import Table
from metrics_lake.silver.merging import KEY, READ, merged, widest_gap
from metrics_lake.silver.tenant_days import reached_here, with_days_here

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

CAME, WENT = "came", "went"


def refine(
    visits: DataFrame, stored: DataFrame, *, rules: Sessions, clocks: Mapping[str, Calendar], shares: int
) -> DataFrame:
    """What changes in silver.sessions: rows that come, and those that go for them, as `change` says, with the first and the
    last of the tenant's days that each touches (null where the tenant has no clock).

    `visits` are runs with `is_due`, for those that nobody has looked at yet, and beside them all others of their
    listeners that a session of theirs may hold; `stored` are such sessions. Both are dealt out by listener.
    """
    fitting = arrow_schema(TABLE)
    for column, kind in (("change", pa.string()), ("first_on", pa.date32()), ("last_on", pa.date32())):
        fitting = fitting.append(pa.field(column, kind))
    share = F.pmod(F.xxhash64("listener_id"), F.lit(shares)).alias("share")

    def rebuild(runs: pa.Table, old: pa.Table) -> pa.Table:
        changes = rebuilt(_frame(runs).drop("share"), _frame(old).drop("share"), rules)
        return fitted(with_days_here(changes, clocks), fitting)

    dealt = visits.select(*READ, "is_due", share).groupBy("tenant", "share")
    together = dealt.cogroup(stored.select(*TABLE.names, share).groupBy("tenant", "share"))
    columns = TABLE.ddl.replace(" NOT NULL", "")
    return together.applyInArrow(rebuild, f"{columns}, change STRING, first_on DATE, last_on DATE")


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame


def rebuilt(runs: pl.DataFrame, old: pl.DataFrame, rules: Sessions) -> pl.DataFrame:
    """The changes that due runs make to sessions: each that they touch is built again from all its evidence."""
    reach = _reach(runs.filter("is_due"), old, widest_gap(rules))
    near = runs.join(reach, on=KEY).filter(pl.col("first_at").is_between("low", "high"))
    fresh = merged(near.drop("low", "high"), rules).select(TABLE.names)
    touched = _touching(old, reach).select(TABLE.names)
    every = list(TABLE.names)
    return pl.concat([
        fresh.join(touched, on=every, how="anti", nulls_equal=True).with_columns(change=pl.lit(CAME)),
        touched.join(fresh, on=every, how="anti", nulls_equal=True).with_columns(change=pl.lit(WENT)),
    ])  # fmt: skip


def _reach(due: pl.DataFrame, old: pl.DataFrame, gap: timedelta) -> pl.DataFrame:
    """For each listener and stream of due runs: the stretch of time, low to high, in which sessions may change.

    It may be wider than need be: what it touches is built again from all its evidence, and stays as it was.
    """
    spans = due.group_by(KEY).agg(low=pl.col("first_at").min() - gap, high=pl.col("last_at").max() + gap)
    touched = _touching(old, spans).group_by(KEY)
    older = touched.agg(old_low=pl.col("started_at").min(), old_high=reached_here().max())
    joined = spans.join(older, on=KEY, how="left")
    return joined.select(*KEY, low=pl.min_horizontal("low", "old_low"), high=pl.max_horizontal("high", "old_high"))


def _touching(old: pl.DataFrame, reach: pl.DataFrame) -> pl.DataFrame:
    joined = old.join(reach, on=KEY)
    return joined.filter((pl.col("started_at") <= pl.col("high")) & (reached_here() >= pl.col("low")))


def between(field: Callable[[str], Any], start: datetime, end: datetime) -> Any:
    """Whether a session lies in, or touches, a stretch of time; put so that the statistics of files can answer it too.

    `field` makes a column out of its name: Spark's and Polars' are written alike.
    """
    later = (field("ended_at") >= start) | (field("last_request_at") >= start)  # the end, where known, comes last
    return (field("started_at") <= end) & (field("started_on") <= end.date()) & later


def length_ms() -> Column:
    """Full length of a session in milliseconds; null where the end is not known."""
    return F.unix_millis("ended_at") - F.unix_millis("started_at")
