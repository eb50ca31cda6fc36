"""Calendars as rows: what Spark joins with."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.calendars import Calendars
from metrics_lake.periods import Calendar
from tests.unit.drawing import day, utc
from tests.unit.test_periods import CALENDARS, DAYS

DAY = timedelta(days=1)
TWO = Calendars({"east": Calendar("Asia/Tokyo"), "west": Calendar("America/New_York")})


def hours_of(zone: str, on: str) -> dict[tuple[int, str], str]:
    """(hour of the day, its start) to the end of the same hour before it."""
    rows = Calendars({"a": Calendar(zone)}).hour_rows([day(on)])
    return {(of_day, str(start)[5:16]): str(before)[5:16] for _, _, start, _, of_day, before in rows}


def test_each_tenant_has_a_row_for_each_day_once_and_in_order():
    found = [(tenant, on) for tenant, on, *_ in TWO.day_rows([day("2001-01-16"), day("2001-01-15"), day("2001-01-16")])]
    days = [day("2001-01-15"), day("2001-01-16")]
    assert found == [(tenant, on) for tenant in ("east", "west") for on in days]


def test_a_row_holds_the_day_s_bounds_on_the_tenant_s_clock():
    assert TWO.day_rows([day("2001-01-15")]) == [
        ("east", day("2001-01-15"), utc("2001-01-14 15:00"), utc("2001-01-15 15:00")),
        ("west", day("2001-01-15"), utc("2001-01-15 05:00"), utc("2001-01-16 05:00")),
    ]


@given(CALENDARS, st.lists(DAYS, min_size=1, max_size=3))
def test_the_hours_of_the_rows_are_those_of_the_calendar(calendar, days):
    found = Calendars({"a": calendar}).hour_rows(days)
    expected = [("a", on, h.start, h.end, h.of_day) for on in sorted(set(days)) for h in calendar.hours(on)]
    assert [row[:5] for row in found] == expected


def test_an_hour_knows_when_the_clock_last_showed_it():
    hours = hours_of("UTC", "2001-01-15")
    assert len(hours) == 24 and hours[19, "01-15 19:00"] == "01-14 20:00"


def test_an_hour_that_comes_twice_was_last_shown_an_hour_before():
    hours = hours_of("Europe/Berlin", "2001-10-28")
    assert hours[2, "10-28 00:00"] == "10-27 01:00"
    assert hours[2, "10-28 01:00"] == "10-28 01:00"


def test_an_hour_that_was_skipped_the_day_before_was_last_shown_before_that():
    assert hours_of("Europe/Berlin", "2001-03-26")[2, "03-26 00:00"] == "03-25 00:00"


@given(CALENDARS, DAYS)
def test_the_same_hour_before_never_ends_after_the_hour_begins(calendar, on):
    rows = Calendars({"a": calendar}).hour_rows([on])
    assert all(before <= starts < ends for _, _, starts, ends, _, before in rows)


@given(st.lists(DAYS, min_size=1, max_size=5))
def test_all_days_of_all_tenants_lie_between_the_bounds(days):
    low, high = TWO.bounds(days)
    rows = TWO.day_rows(days)
    assert (low, high) == (min(start for _, _, start, _ in rows), max(end for *_, end in rows))


def test_periods_are_those_that_hold_the_days_each_once_with_the_rolling_ones_and_everything():
    days = [day("2001-01-15"), day("2001-01-16")]
    found = TWO.periods("east", days, (day("2001-01-01"), day("2001-01-20")), day("2001-01-20"))
    assert [f"{period.kind}/{period.name}" for period in found] == [
        "day/2001-01-15", "week/2001-W03", "month/2001-01", "year/2001", "day/2001-01-16",
        "rolling/last-7-days", "rolling/last-30-days", "all/all",
    ]  # fmt: skip
    by_name = {period.name: period for period in found}
    assert by_name["last-7-days"].days[-1] == day("2001-01-20")
    assert (by_name["all"].first_on, by_name["all"].end_on) == (day("2001-01-01"), day("2001-01-21"))
