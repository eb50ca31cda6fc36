"""Which days of its tenant does a session touch, from its start to its last known instant?

The days' own spans decide (definitions.md section 4), as Calendar.day_start gives them, and no other clock: Polars, Java and
Python each bring a database of time zones, and subtracting the start of the broadcast day from the wall clock goes wrong in
an hour that comes twice. Days are given as stretches, in which one follows the other every 24 hours, so that a day is a
division. What Spark asks of sessions in the same way is in jobs/session_columns.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

import polars as pl

from metrics_lake.model.periods import Calendar, Stretch

_DAY = timedelta(days=1)
DAY_SECONDS = 24 * 3600


def last_known() -> pl.Expr:
    """The last instant known of a session: its end, or where that isn't known its last request."""
    return pl.coalesce("ended_at", "last_request_at")


def with_days(sessions: pl.DataFrame, clocks: Mapping[str, Calendar]) -> pl.DataFrame:
    """Sessions with first_on and last_on, null for a tenant without a clock; in any order."""
    dated = [sessions.clear().with_columns(first_on=pl.lit(None, pl.Date), last_on=pl.lit(None, pl.Date))]
    for (tenant,), rows in sessions.group_by("tenant"):
        clock, on = clocks.get(str(tenant)), [pl.lit(None, pl.Date)] * 2
        if clock:
            low, high = rows.select(low=pl.col("started_at").min(), high=last_known().max()).row(0)
            stretches = clock.stretches(clock.day_of(low), clock.day_of(high))
            on = [_day(instant, stretches) for instant in (pl.col("started_at"), last_known())]
        dated.append(rows.with_columns(first_on=on[0], last_on=on[1]))
    return pl.concat(dated)


def by_day(sessions: pl.DataFrame, clocks: Mapping[str, Calendar], days: Collection[date]) -> pl.DataFrame:
    """Each session once for each of these days that it touches, which is its on_day."""
    first, last = pl.col("first_on").clip(lower_bound=min(days)), pl.col("last_on").clip(upper_bound=max(days))
    dated = with_days(sessions, clocks).filter(first <= last).with_columns(on_day=pl.date_ranges(first, last))
    return dated.drop("first_on", "last_on").explode("on_day").filter(pl.col("on_day").is_in(list(days)))


def touched(sessions: pl.DataFrame, clocks: Mapping[str, Calendar]) -> set[date]:
    """All days that any of the sessions touches."""
    return in_spans(with_days(sessions, clocks).select("first_on", "last_on").unique().iter_rows())


def in_spans(spans: Iterable[tuple[date | None, date | None]]) -> set[date]:
    """The days of spans, first and last included; of none where a span has no days."""
    known = ((first, last) for first, last in spans if first and last)
    return {first + n * _DAY for first, last in known for n in range((last - first).days + 1)}


def _day(instant: pl.Expr, stretches: tuple[Stretch, ...]) -> pl.Expr:
    second = instant.dt.epoch("s")
    on = pl.lit(None, pl.Date)
    for n, stretch in enumerate(stretches):
        number = ((second - stretch.start_second) // DAY_SECONDS).clip(0, stretch.days - 1)
        day = pl.lit(stretch.first_on) + pl.duration(days=number)
        on = pl.when(second >= stretch.start_second).then(day).otherwise(on) if n else day
    return on.cast(pl.Date)
