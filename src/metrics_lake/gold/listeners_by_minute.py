"""How many people listened at once, at the busiest instant of each minute?

Grain: tenant, stream, minute in which anybody listens. A sweep over the ends and starts of sessions, at equal
instants ends first, the number carried in included (definitions.md section 5). `stream = '*'` is a sweep over
persons: a listener on two streams counts once. Catch: HAProxy logs a stream when it ends, so a minute is restated
until every session that touched it has closed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from metrics_lake.config.tenants import ALL_STREAMS
from metrics_lake.gold import session_buckets
from metrics_lake.model.metrics import Metric
from metrics_lake.model.tables import Table

TABLE = Table(
    "gold.listeners_by_minute",
    partitioned_by=("listened_on",),
    keep=timedelta(days=1100),
    columns="""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    minute_at TIMESTAMP NOT NULL COMMENT 'Start of the minute, UTC'
    peak_listeners INT NOT NULL COMMENT 'Most listeners at one instant of the minute'
    listening_seconds DOUBLE NOT NULL COMMENT 'Listening inside the minute, summed over sessions'
    """,
)

if TYPE_CHECKING:
    from metrics_lake.gold.parts import Day

_MINUTE = 60_000


def compute(day: Day) -> pl.DataFrame:
    """One row for each stream and minute with listeners, in order."""
    return day.minutes


def sweep(net: pl.DataFrame) -> pl.DataFrame:
    """From one day's net session buckets to minutes: stream, minute_at, peak_listeners, listening_seconds, in order."""
    timed = net.filter(pl.col("from_ms") < pl.col("to_ms"))
    listening = timed.select("stream", "listener", "from_ms", "to_ms", day_ends="bucket_ends")
    whole = listening.with_columns(stream=pl.lit(ALL_STREAMS))
    steps = [
        *_steps(listening, people=1, sessions=1),
        *_steps(_persons(whole), people=1, sessions=0),
        *_steps(whole, people=0, sessions=1),
    ]
    return _filled(_swept(pl.concat(steps)))


def _persons(buckets: pl.DataFrame) -> pl.DataFrame:
    """A listener's session buckets on any stream, merged where they overlap."""
    by_time = buckets.sort("listener", "from_ms", "to_ms")
    reached = pl.col("to_ms").cum_max().shift(1).over("listener")
    is_apart = (pl.col("from_ms") > reached).fill_null(True)
    return (
        by_time.with_columns(number=is_apart.cum_sum())
        .group_by("stream", "listener", "day_ends", "number")
        .agg(pl.col("from_ms").min(), pl.col("to_ms").max())
    )


def _steps(buckets: pl.DataFrame, *, people: int, sessions: int) -> list[pl.DataFrame]:
    """Up at a start, down at an end; an end at midnight belongs to the next day and is left out."""
    return [
        buckets.filter(pl.col(edge) < pl.col("day_ends")).select(
            "stream",
            "day_ends",
            at=edge,
            people=pl.lit(sign * people, dtype=pl.Int64),
            sessions=pl.lit(sign * sessions, dtype=pl.Int64),
        )
        for edge, sign in (("from_ms", 1), ("to_ms", -1))
    ]


def _swept(steps: pl.DataFrame) -> pl.DataFrame:
    """One row for each minute in which anything changes: its peak, its time listened, and what is carried out of it.

    What ends and starts at one instant is taken together, so the number at an instant is the sum up to and with it;
    what was carried in counts where the minute's first change comes after its start.
    """
    at_once = steps.group_by("stream", "day_ends", "at").agg(pl.col("people", "sessions").sum()).sort("stream", "at")
    minutes = (
        at_once.with_columns(
            minute=pl.col("at") - pl.col("at") % _MINUTE,
            people_on=pl.col("people").cum_sum().over("stream"),
            sessions_on=pl.col("sessions").cum_sum().over("stream"),
        )
        .group_by("stream", "day_ends", "minute", maintain_order=True)
        .agg(
            top=pl.col("people_on").max(),
            first=pl.col("at").first(),
            people_in=pl.col("people_on").first() - pl.col("people").first(),
            sessions_in=pl.col("sessions_on").first() - pl.col("sessions").first(),
            left_ms=(pl.col("sessions") * (pl.col("minute") + _MINUTE - pl.col("at"))).sum(),
            people_on=pl.col("people_on").last(),
            sessions_on=pl.col("sessions_on").last(),
        )
    )
    is_carried = pl.col("first") > pl.col("minute")
    return minutes.with_columns(
        peak=pl.when(is_carried).then(pl.max_horizontal("top", "people_in")).otherwise("top"),
        listening_ms=pl.col("sessions_in") * _MINUTE + pl.col("left_ms"),
        until=pl.col("minute").shift(-1).over("stream").fill_null(pl.col("day_ends")),
    )


def _filled(minutes: pl.DataFrame) -> pl.DataFrame:
    """The quiet minutes too: those in which nothing starts or ends while somebody listens."""
    quiet = (
        minutes.filter(pl.col("people_on") > 0)
        .with_columns(minute=pl.int_ranges(pl.col("minute") + _MINUTE, "until", _MINUTE))
        .explode("minute", empty_as_null=False)
        .with_columns(peak="people_on", listening_ms=pl.col("sessions_on") * _MINUTE)
    )
    shown = ("stream", "minute", "peak", "listening_ms")
    both = pl.concat([minutes.select(shown), quiet.select(shown)]).filter(pl.col("peak") > 0)
    return both.sort("stream", "minute").select(
        "stream",
        minute_at=session_buckets.instant("minute"),
        peak_listeners=pl.col("peak").cast(pl.Int32),
        listening_seconds=session_buckets.seconds("listening_ms"),
    )


METRIC = Metric(TABLE, "day", compute)
