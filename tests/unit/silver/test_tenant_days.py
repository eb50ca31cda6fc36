"""The days that sessions touch are those of the calendars' own spans, in Polars as in Python; Spark's are in tests/lake."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metrics_lake.model.periods import Calendar
from metrics_lake.silver.tenant_days import by_day, in_spans, touched, with_days
from tests.unit.drawing import day, rows, utc
from tests.unit.model.test_periods import CALENDARS, DAYS

LONDON = Calendar("Europe/London", broadcast_day_starts="01:30")
SCHEMA = {
    "tenant": pl.String,
    **dict.fromkeys(("started_at", "ended_at", "last_request_at"), pl.Datetime("us", "UTC")),
}
_HOURS = st.floats(-30, 60).map(lambda hours: timedelta(milliseconds=round(hours * 3_600_000)))


def sessions(*spans: tuple[str, datetime, datetime]) -> pl.DataFrame:
    found: list[dict[str, Any]] = [
        {"tenant": tenant, "started_at": start, "ended_at": end, "last_request_at": start}
        for tenant, start, end in spans
    ]
    return pl.DataFrame(found, schema=SCHEMA)


@given(CALENDARS, DAYS, st.lists(st.tuples(_HOURS, _HOURS), min_size=1, max_size=6))
@example(LONDON, date(2026, 10, 25), [(timedelta(minutes=35), timedelta(minutes=45))])
@example(Calendar("America/Havana"), date(2001, 10, 28), [(timedelta(minutes=30), timedelta(hours=1))])
@example(
    Calendar("Australia/Lord_Howe", broadcast_day_starts="01:45"), date(2001, 3, 25), [(timedelta(), timedelta(1))]
)
@example(
    Calendar("Pacific/Apia", broadcast_day_starts="04:00"), date(2011, 12, 30), [(-timedelta(hours=1), timedelta(1))]
)
@example(Calendar("Europe/Berlin", broadcast_day_starts="02:30"), date(2001, 3, 25), [(timedelta(), timedelta(1))])
def test_a_session_touches_the_days_in_whose_spans_its_start_and_its_end_lie(calendar, on, offsets):
    start = calendar.day_start(on)
    spans = [("t", start + min(pair), start + max(pair)) for pair in offsets]
    found = with_days(sessions(*spans), {"t": calendar})
    told = {(row["started_at"], row["ended_at"], row["first_on"], row["last_on"]) for row in found.to_dicts()}
    assert told == {(low, high, calendar.day_of(low), calendar.day_of(high)) for _, low, high in spans}


@given(CALENDARS, DAYS, st.integers(1, 400))
def test_the_stretches_of_days_begin_every_day_where_the_calendar_does(calendar, first_on, days):
    stretches = calendar.stretches(first_on, first_on + timedelta(days=days - 1))
    begun = [(s.first_on + timedelta(days=n), s.start + timedelta(days=n)) for s in stretches for n in range(s.days)]
    every = [first_on + timedelta(days=n) for n in range(days)]
    assert begun == [(on, calendar.day_start(on)) for on in every]


TURNS = rows("""
    zone                | starts | instant          | day
    Europe/London       | "01:30" | 2026-10-25 00:29 | 2026-10-24
    Europe/London       | "01:30" | 2026-10-25 00:30 | 2026-10-25
    Europe/London       | "01:30" | 2026-10-25 01:05 | 2026-10-25
    Europe/London       | "01:30" | 2026-10-25 01:35 | 2026-10-25
    Europe/Berlin       | "02:30" | 2001-03-25 01:29 | 2001-03-24
    Europe/Berlin       | "02:30" | 2001-03-25 01:30 | 2001-03-25
    Australia/Lord_Howe | "01:45" | 2001-03-24 14:44 | 2001-03-24
    Australia/Lord_Howe | "01:45" | 2001-03-24 14:45 | 2001-03-25
    Australia/Lord_Howe | "01:45" | 2001-03-24 15:05 | 2001-03-25
    Pacific/Apia        | "00:00" | 2011-12-30 09:59 | 2011-12-29
    Pacific/Apia        | "00:00" | 2011-12-30 10:00 | 2011-12-31
    Asia/Kathmandu      | "04:00" | 2001-01-14 22:14 | 2001-01-14
    Asia/Kathmandu      | "04:00" | 2001-01-14 22:15 | 2001-01-15
    """)


@pytest.mark.parametrize("row", TURNS, ids=[f"{row['zone']} {row['instant']}" for row in TURNS])
def test_around_a_turn_of_the_clock_a_session_lies_in_the_day_that_has_begun(row):
    calendar, instant = Calendar(row["zone"], broadcast_day_starts=row["starts"]), utc(row["instant"])
    assert touched(sessions(("t", instant, instant)), {"t": calendar}) == {row["day"]} == {calendar.day_of(instant)}


def test_a_session_without_an_end_touches_the_days_up_to_its_last_request():
    held = sessions(("t", utc("2001-01-15 23:00"), utc("2001-01-15 23:00"))).with_columns(
        ended_at=pl.lit(None, pl.Datetime("us", "UTC")), last_request_at=pl.lit(utc("2001-01-17 01:00"))
    )
    assert touched(held, {"t": Calendar()}) == {day("2001-01-15"), day("2001-01-16"), day("2001-01-17")}


def test_the_sessions_of_a_tenant_that_there_is_no_more_stay_and_touch_no_day():
    at = datetime(2001, 1, 15, tzinfo=timezone.utc)
    found = with_days(sessions(("gone", at, at), ("t", at, at)), {"t": Calendar()})
    assert set(found.select("tenant", "first_on").rows()) == {("gone", None), ("t", day("2001-01-15"))}
    assert in_spans(found.select("first_on", "last_on").iter_rows()) == {day("2001-01-15")}


def test_a_session_is_counted_on_those_of_the_days_asked_for_that_it_touches():
    noon = utc("2001-01-15T12:00:00Z")
    rows = sessions(("t", noon - timedelta(5), noon + timedelta(5)), ("gone", noon, noon + timedelta(hours=1)))
    days = [day("2001-01-12"), day("2001-01-14"), day("2001-02-01")]
    dated = by_day(rows, {"t": Calendar()}, days)
    assert dated.select("tenant", "on_day").sort("on_day").rows() == [("t", days[0]), ("t", days[1])]
    assert by_day(rows, {"t": Calendar()}, days[2:]).is_empty()
