"""Sessions to figures: Spark deals sessions out by day and by share of the listeners, workers reckon in Polars.

What a worker makes of its part are small tables. They come back as they are, by name, in Arrow's own bytes, so that
one job of Spark brings all figures of all days and periods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from io import BytesIO
from typing import Any

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.gold import (
    dimensions_by_day,
    dimensions_by_period,
    listeners_by_minute,
    listening_by_day,
    listening_by_hour,
    listening_by_period,
    session_buckets,
    session_lengths_by_day,
)
from metrics_lake.model.calendars import Calendars, Named
from metrics_lake.model.dimensions import DIMENSIONS
from metrics_lake.model.periods import Calendar, Period
from metrics_lake.silver import sessions, tenant_days

Frames = dict[str, pl.DataFrame]
BY_DAY = (
    listeners_by_minute.TABLE,
    listening_by_hour.TABLE,
    listening_by_day.TABLE,
    session_lengths_by_day.TABLE,
    dimensions_by_day.TABLE,
)
BY_PERIOD = (listening_by_period.TABLE, dimensions_by_period.TABLE)
READ = (
    "tenant", "stream", "listener_id", "started_on", "started_at", "ended_at", "last_request_at", "exclusion",
    *(dimension.column for dimension in DIMENSIONS if dimension.column != "stream"),
)  # fmt: skip
_PIECE = pa.schema([("tenant", pa.string()), ("name", pa.string()), ("content", pa.binary())])
_PIECE_DDL = "tenant STRING, name STRING, content BINARY"
_DAY = timedelta(days=1)
_PARTS_AT_ONCE = 2
_SETS, _SUMS = "sets of values", "sums by value"


def by_day(held: DataFrame, calendars: Calendars, days: Sequence[date], edges_minutes: Sequence[int]) -> DataFrame:
    """Pieces with the tables of BY_DAY for every tenant's days, from rows of silver.sessions."""
    start, end = calendars.bounds(days)
    placed = session_lengths_by_day.placed(held.where(sessions.between(F.col, start, end)), edges_minutes=edges_minutes)
    touched = tenant_days.touched(calendars.by_tenant, min(days), max(days))
    dated = placed.select(*READ, "at_least_minutes", F.explode(touched).alias("on_day"))
    wanted = dated.where(F.col("on_day").isin(list(days)))
    clocks = calendars.by_tenant

    def reckon(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        tenant, on = (value.as_py() for value in key)
        made = of_day(_unpacked(rows), clocks[tenant], on) if clocks[tenant].has_day(on) else {}
        return _packed(tenant, made)

    return wanted.groupBy("tenant", "on_day").applyInArrow(reckon, _PIECE_DDL)


def by_period(held: DataFrame, calendars: Calendars, named: Named, shares: int) -> DataFrame:
    """Pieces with each tenant's periods for each of so many shares of the listeners, from rows of silver.sessions."""
    periods = named.by_tenant
    near = sessions.between(F.col, *named.within) & F.col("exclusion").isNull()
    share = F.pmod(F.xxhash64("listener_id"), F.lit(shares))
    wanted = held.where(near & F.col("tenant").isin(list(periods))).select(*READ, share.alias("share"))
    clocks = calendars.by_tenant

    def reckon(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        tenant = key[0].as_py()
        return _packed(tenant, of_share(_unpacked(rows), clocks[tenant], periods[tenant]))

    return wanted.groupBy("tenant", "share").applyInArrow(reckon, _PIECE_DDL)


def by_day_here(held: pl.DataFrame, calendars: Calendars, days: Sequence[date], edges_minutes: Sequence[int]) -> Frames:
    """The tables of BY_DAY, from sessions that this process has."""
    placed = session_lengths_by_day.placed_here(held, edges_minutes=edges_minutes)
    parts = (
        (tenant, partial(of_day, mine, calendar, on))
        for tenant, calendar in calendars.by_tenant.items()
        if (whole := placed.filter(tenant=tenant)).height
        for on in days
        if calendar.has_day(on)
        and (
            mine := whole.filter(sessions.between(pl.col, calendar.day_start(on), calendar.day_start(on + _DAY)))
        ).height
    )
    return _at_once(parts)


def by_period_here(held: pl.DataFrame, calendars: Calendars, periods: Mapping[str, Sequence[Period]]) -> Frames:
    """What by_period makes, from sessions that this process has: one share of all listeners."""
    net = held.filter(pl.col("exclusion").is_null())
    parts = (
        (tenant, partial(of_share, mine, calendars.by_tenant[tenant], periods[tenant]))
        for tenant in periods
        if (mine := net.filter(tenant=tenant)).height
    )
    return _at_once(parts)


def _at_once(parts: Iterable[tuple[str, Callable[[], Frames]]]) -> Frames:
    """The frames of all parts, worked out two at a time: each is many small steps, most of which run in one thread."""
    with ThreadPoolExecutor(_PARTS_AT_ONCE) as threads:
        made = [(tenant, threads.submit(work)) for tenant, work in parts]
    return _by_name((tenant, name, frame) for tenant, done in made for name, frame in done.result().items())


def of_day(held: pl.DataFrame, calendar: Calendar, on: date) -> Frames:
    """The tables of BY_DAY for one tenant's day, from the sessions that touch it."""
    starts, ends = (session_buckets.milliseconds(calendar.day_start(day)) for day in (on, on + _DAY))
    laid = session_buckets.in_bucket(session_buckets.of(held), starts, ends)
    net = laid.filter("is_net")
    minutes = listeners_by_minute.compute(net)
    made = {
        listeners_by_minute.TABLE: minutes,
        listening_by_hour.TABLE: listening_by_hour.compute(laid, minutes, session_buckets.hours(calendar, [on])),
        listening_by_day.TABLE: listening_by_day.compute(laid, minutes, starts),
        session_lengths_by_day.TABLE: session_lengths_by_day.compute(net),
        dimensions_by_day.TABLE: dimensions_by_day.compute(net),
    }
    return {table.name: frame.with_columns(listened_on=pl.lit(on)) for table, frame in made.items()}


def of_share(held: pl.DataFrame, calendar: Calendar, periods: Sequence[Period]) -> Frames:
    """What one share of a tenant's listeners adds to each period, from all their sessions that count."""
    laid = listening_by_period.in_periods(session_buckets.of(held), periods)
    sets, sums = dimensions_by_period.share(laid)
    return {listening_by_period.TABLE.name: listening_by_period.share(laid, calendar), _SETS: sets, _SUMS: sums}


def collected(pieces: DataFrame) -> Frames:
    """Runs the job: every table that the pieces hold, whole, by its name."""
    rows = pieces.toArrow().sort_by("tenant").to_pylist()
    return _by_name((row["tenant"], row["name"], pl.read_ipc_stream(row["content"])) for row in rows)


def _by_name(parts: Iterable[tuple[str, str, pl.DataFrame]]) -> Frames:
    found: dict[str, list[pl.DataFrame]] = {}
    for tenant, name, frame in parts:
        found.setdefault(name, []).append(frame.with_columns(tenant=pl.lit(tenant)))
    return {name: pl.concat(frames) for name, frames in found.items()}


def put_together(shares: Frames, named: Named, *, minimum_group: int) -> Frames:
    """The tables of BY_PERIOD from what the shares of the listeners add to them."""
    total, values = (table.name for table in BY_PERIOD)
    if total not in shares:
        return {}
    rows = [(tenant, period.kind, period.name, period.first_on, period.end_on) for tenant, period in named.each]
    keys = ("tenant", *listening_by_period.PERIOD)
    bounds = pl.DataFrame(rows, schema=[*keys, "first_on", "end_on"], orient="row")
    return {
        total: listening_by_period.compute(shares[total]).join(bounds, on=keys),
        values: dimensions_by_period.compute(shares[_SETS], shares[_SUMS], minimum_group=minimum_group),
    }


def _packed(tenant: str, frames: Frames) -> pa.Table:
    rows = [{"tenant": tenant, "name": name, "content": _bytes(frame)} for name, frame in frames.items()]
    return pa.Table.from_pylist(rows, schema=_PIECE)


def _bytes(frame: pl.DataFrame) -> bytes:
    content = BytesIO()
    frame.write_ipc_stream(content)
    return content.getvalue()


def _unpacked(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame
