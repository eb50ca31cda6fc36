"""Which days of its tenant does a session touch, from its start to where it reached?

The days' own spans decide (definitions.md section 4), as Calendar.day_start gives them, and no other clock: Polars, Java and
Python each bring a database of time zones, and subtracting the start of the broadcast day from the wall clock goes wrong in
an hour that comes twice. Days are given as stretches, in which one follows the other every 24 hours, so that a day is a
division, for Spark as for Polars.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import polars as pl
from pyspark.sql import Column
from pyspark.sql import functions as F

from metrics_lake.model.periods import Calendar, Stretch

_DAY = timedelta(days=1)
_DAY_SECONDS = 24 * 3600


def reached_here() -> pl.Expr:
    """The same as `reached`, of a frame in this process."""
    return pl.coalesce("ended_at", "last_request_at")


def reached() -> Column:
    """The last instant known of a session: its end, or where that isn't known its last request."""
    return F.coalesce("ended_at", "last_request_at")


def with_days_here(held: pl.DataFrame, clocks: Mapping[str, Calendar]) -> pl.DataFrame:
    """Sessions with first_on and last_on, null for a tenant without a clock; in any order."""
    found = [held.clear().with_columns(first_on=pl.lit(None, pl.Date), last_on=pl.lit(None, pl.Date))]
    for (tenant,), mine in held.group_by("tenant"):
        clock, on = clocks.get(str(tenant)), [pl.lit(None, pl.Date)] * 2
        if clock:
            low, high = mine.select(low=pl.col("started_at").min(), high=reached_here().max()).row(0)
            stretches = clock.stretches(clock.day_of(low), clock.day_of(high))
            on = [_day_here(instant, stretches) for instant in (pl.col("started_at"), reached_here())]
        found.append(mine.with_columns(first_on=on[0], last_on=on[1]))
    return pl.concat(found)


def touched_here(held: pl.DataFrame, clocks: Mapping[str, Calendar]) -> set[date]:
    """All days that any of the sessions touches."""
    return between(with_days_here(held, clocks).select("first_on", "last_on").unique().iter_rows())


def between(spans: Iterable[tuple[date | None, date | None]]) -> set[date]:
    """The days of spans, first and last included; of none where a span has no days."""
    known = ((first, last) for first, last in spans if first and last)
    return {first + n * _DAY for first, last in known for n in range((last - first).days + 1)}


def touched(clocks: Mapping[str, Calendar], first_on: date, last_on: date) -> Column:
    """The days that a session touches, as far as they lie between two days, for Spark; null without a clock.

    A session that begins before these days or reaches beyond them touches the day before or after them too.
    """
    first_on, last_on = first_on - _DAY, last_on + _DAY
    tenants: dict[tuple[Stretch, ...], list[str]] = {}
    for tenant, clock in clocks.items():
        tenants.setdefault(clock.stretches(first_on, last_on), []).append(tenant)
    return F.sequence(*(_day(instant, tenants) for instant in (F.col("started_at"), reached())))


def _day_here(instant: pl.Expr, stretches: tuple[Stretch, ...]) -> pl.Expr:
    second = instant.dt.epoch("s")
    on = pl.lit(None, pl.Date)
    for n, each in enumerate(stretches):
        number = ((second - each.start_second) // _DAY_SECONDS).clip(0, each.days - 1)
        day = pl.lit(each.first_on) + pl.duration(days=number)
        on = pl.when(second >= each.start_second).then(day).otherwise(on) if n else day
    return on.cast(pl.Date)


def _day(instant: Column, tenants: Mapping[tuple[Stretch, ...], list[str]]) -> Column:
    """Flat cases and no nested ones: Spark's compiler gives up on what is deep."""
    found, second = F.when(F.lit(False), F.lit(None).cast("date")), F.unix_seconds(instant)
    for stretches, named in tenants.items():
        on = F.when(F.lit(False), F.lit(None).cast("date"))
        for each in reversed(stretches[1:]):
            on = on.when(second >= F.lit(each.start_second), _within(second, each))
        day = on.otherwise(_within(second, stretches[0]))
        found = found.when(F.col("tenant").isin(named), day)
    return found


def _within(second: Column, stretch: Stretch) -> Column:
    number = F.floor((second - F.lit(stretch.start_second)) / F.lit(_DAY_SECONDS))
    return F.date_add(
        F.lit(stretch.first_on), F.greatest(F.least(number, F.lit(stretch.days - 1)), F.lit(0)).cast("int")
    )
