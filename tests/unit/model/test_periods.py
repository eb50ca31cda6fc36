"""A tenant's days and hours, true through every change of the clock, and the periods they make up."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metrics_lake.model.periods import ROLLING_DAYS, Calendar
from tests.unit.drawing import day, rows, utc

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "America/St_Johns",
    "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia",
    "Pacific/Kiritimati", "Africa/Johannesburg", "Africa/Casablanca", "Antarctica/Troll",
)  # fmt: skip
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
HALF = timedelta(minutes=30)
CALENDARS = st.builds(
    Calendar,
    timezone=st.sampled_from(ZONES),
    week_starts=st.sampled_from(["monday", "sunday"]),
    broadcast_day_starts=st.one_of(st.just("00:00"), st.times().map(lambda time: time.strftime("%H:%M"))),
)
DAYS = st.dates(date(2001, 1, 1), date(2031, 12, 31))
INSTANTS = st.datetimes(datetime(2001, 1, 2), datetime(2031, 12, 31), timezones=st.just(timezone.utc))


@given(CALENDARS, DAYS)
@example(Calendar("America/Sao_Paulo"), date(2001, 10, 14))
@example(Calendar("Australia/Lord_Howe"), date(2001, 3, 25))
@example(Calendar("UTC", broadcast_day_starts="04:10"), date(2001, 1, 15))
def test_the_hours_of_a_day_cover_it_without_gap_or_overlap(calendar, on):
    hours, whole = calendar.hours(on), calendar.day(on)
    bounds = [whole.start, *(hour.end for hour in hours)]
    assert bounds[:-1] == [hour.start for hour in hours] and bounds[-1] == whole.end
    assert all(timedelta() < hour.end - hour.start <= timedelta(hours=1) for hour in hours)


@given(CALENDARS, DAYS)
@example(Calendar("Pacific/Chatham"), date(2001, 3, 18))
@example(Calendar("UTC", broadcast_day_starts="04:10"), date(2001, 1, 15))
def test_all_through_an_hour_the_clock_shows_it(calendar, on):
    for hour in calendar.hours(on):
        first, last = (at.astimezone(calendar.zone) for at in (hour.start, hour.end - TICK))
        assert first.hour == last.hour == hour.of_day and first.utcoffset() == last.utcoffset()


@given(CALENDARS, DAYS)
def test_a_day_ends_where_the_next_one_begins(calendar, on):
    assert calendar.day(on).end == calendar.day(on + DAY).start == calendar.day_start(on + DAY)


@given(CALENDARS, INSTANTS)
def test_every_instant_lies_in_just_the_day_that_is_told(calendar, instant):
    on = calendar.day_of(instant)
    assert calendar.day_start(on) <= instant < calendar.day_start(on + DAY)


@given(CALENDARS, DAYS)
@example(Calendar("America/Havana"), date(2001, 10, 28))
def test_the_day_of_a_day_s_first_and_last_instant_is_that_day(calendar, on):
    whole = calendar.day(on)
    if whole.seconds:  # Samoa had no 30 December 2011
        assert calendar.day_of(whole.start) == calendar.day_of(whole.end - TICK) == on
    assert calendar.day_of(whole.end) > on


CHANGES = rows("""
    zone                 | on         | seconds | hours | twice | missing
    UTC                  | 2001-03-25 | 86400   | 24    | []    | []
    Europe/Berlin        | 2001-03-25 | 82800   | 23    | []    | [2]
    Europe/Berlin        | 2001-10-28 | 90000   | 25    | [2]   | []
    Europe/Berlin        | 2001-10-29 | 86400   | 24    | []    | []
    Australia/Lord_Howe  | 2001-03-25 | 88200   | 25    | [1]   | []
    Australia/Lord_Howe  | 2001-10-28 | 84600   | 24    | []    | []
    Asia/Kathmandu       | 2001-03-25 | 86400   | 24    | []    | []
    Asia/Kolkata         | 2001-10-28 | 86400   | 24    | []    | []
    Pacific/Chatham      | 2001-03-18 | 90000   | 26    | [2,3] | []
    Pacific/Chatham      | 2001-10-07 | 82800   | 24    | []    | []
    America/Sao_Paulo    | 2001-10-14 | 82800   | 23    | []    | [0]
    America/Sao_Paulo    | 2001-02-17 | 90000   | 25    | [23]  | []
    America/Havana       | 2001-04-01 | 82800   | 23    | []    | [0]
    America/Havana       | 2001-10-28 | 90000   | 25    | [0]   | []
    """)


@pytest.mark.parametrize("row", CHANGES, ids=[f"{row['zone']} {row['on']}" for row in CHANGES])
def test_a_day_on_which_the_clock_is_moved_has_its_real_length(row):
    calendar = Calendar(row["zone"])
    shown = [hour.of_day for hour in calendar.hours(row["on"])]
    assert (calendar.day(row["on"]).seconds, len(shown)) == (row["seconds"], row["hours"])
    assert [hour for hour in range(24) if shown.count(hour) == 2] == row["twice"]
    assert [hour for hour in range(24) if hour not in shown] == row["missing"]


def test_a_clock_that_is_moved_by_half_an_hour_makes_half_an_hour_of_it():
    lengths = [(h.of_day, h.end - h.start) for h in Calendar("Australia/Lord_Howe").hours(day("2001-03-25"))]
    assert lengths[1:4] == [(1, 2 * HALF), (1, HALF), (2, 2 * HALF)]
    lengths = [(h.of_day, h.end - h.start) for h in Calendar("Australia/Lord_Howe").hours(day("2001-10-28"))]
    assert lengths[1:4] == [(1, 2 * HALF), (2, HALF), (3, 2 * HALF)]


def test_a_midnight_that_does_not_exist_begins_where_the_clock_goes_on():
    assert Calendar("America/Sao_Paulo").day_start(day("2001-10-14")) == utc("2001-10-14 03:00")
    assert Calendar("America/Havana").day_start(day("2001-04-01")) == utc("2001-04-01 05:00")


def test_a_midnight_that_comes_twice_is_taken_the_first_time():
    havana = Calendar("America/Havana")
    assert havana.day_start(day("2001-10-28")) == utc("2001-10-28 04:00")
    assert [(h.of_day, h.start) for h in havana.hours(day("2001-10-28"))][:2] == [
        (0, utc("2001-10-28 04:00")),
        (0, utc("2001-10-28 05:00")),
    ]


def test_a_day_that_a_country_skipped_has_no_hours():
    apia = Calendar("Pacific/Apia")
    assert apia.hours(date(2011, 12, 30)) == [] and apia.day(date(2011, 12, 30)).seconds == 0
    assert apia.day_of(apia.day(date(2011, 12, 30)).start) == date(2011, 12, 31)


STARTS = rows("""
    zone            | starts  | first instant of 15 January
    UTC             | '00:00' | 2001-01-15 00:00:00
    Asia/Kathmandu  | '00:00' | 2001-01-14 18:15:00
    Asia/Kolkata    | '00:00' | 2001-01-14 18:30:00
    Pacific/Chatham | '00:00' | 2001-01-14 10:15:00
    UTC             | '04:00' | 2001-01-15 04:00:00
    Asia/Kathmandu  | '04:30' | 2001-01-14 22:45:00
    """)


@pytest.mark.parametrize("row", STARTS, ids=[f"{row['zone']} {row['starts']}" for row in STARTS])
def test_a_day_starts_on_the_tenant_s_own_clock(row):
    calendar = Calendar(row["zone"], broadcast_day_starts=row["starts"])
    assert calendar.day_start(day("2001-01-15")) == row["first instant of 15 January"]


def test_a_broadcast_day_holds_the_night_after_its_date():
    calendar = Calendar("Europe/Berlin", broadcast_day_starts="04:00")
    assert calendar.day_of(utc("2001-01-16 02:59")) == day("2001-01-15")
    assert calendar.day_of(utc("2001-01-16 03:00")) == day("2001-01-16")
    assert [hour.of_day for hour in calendar.hours(day("2001-01-15"))] == [*range(4, 24), *range(4)]


def test_a_broadcast_day_may_start_within_an_hour():
    hours = Calendar("UTC", broadcast_day_starts="04:10").hours(day("2001-01-15"))
    assert [(hour.of_day, hour.start) for hour in hours[:2]] == [
        (4, utc("2001-01-15 04:10")),
        (5, utc("2001-01-15 05:00")),
    ]
    assert (hours[-1].of_day, hours[-1].end - hours[-1].start) == (4, timedelta(minutes=10))


WEEKS = rows("""
    day        | monday   | first      | sunday   | first of it
    2001-01-01 | 2001-W01 | 2001-01-01 | 2001-W01 | 2000-12-31
    2000-12-31 | 2000-W52 | 2000-12-25 | 2001-W01 | 2000-12-31
    2001-01-06 | 2001-W01 | 2001-01-01 | 2001-W01 | 2000-12-31
    2001-01-07 | 2001-W01 | 2001-01-01 | 2001-W02 | 2001-01-07
    2001-12-31 | 2002-W01 | 2001-12-31 | 2002-W01 | 2001-12-30
    2004-12-31 | 2004-W53 | 2004-12-27 | 2004-W53 | 2004-12-26
    2005-01-01 | 2004-W53 | 2004-12-27 | 2004-W53 | 2004-12-26
    2005-01-02 | 2004-W53 | 2004-12-27 | 2005-W01 | 2005-01-02
    """)


@pytest.mark.parametrize("row", WEEKS, ids=[str(row["day"]) for row in WEEKS])
def test_weeks_have_their_iso_names_and_days_at_the_borders_of_years(row):
    monday, sunday = Calendar("UTC").week(row["day"]), Calendar("UTC", "sunday").week(row["day"])
    assert (monday.name, monday.first_on) == (row["monday"], row["first"])
    assert (sunday.name, sunday.first_on) == (row["sunday"], row["first of it"])


@given(CALENDARS, DAYS)
def test_a_day_lies_in_each_of_its_periods_and_they_meet_their_neighbours(calendar, on):
    for period, of in zip(
        calendar.named(on), (calendar.day, calendar.week, calendar.month, calendar.year), strict=True
    ):
        assert period.first_on <= on < period.end_on
        assert of(period.end_on).first_on == period.end_on and of(period.first_on - DAY).end_on == period.first_on
        assert all(of(inside) == period for inside in (period.days[0], period.days[-1]))
        assert (period.start, period.end) == (calendar.day_start(period.first_on), calendar.day_start(period.end_on))


@given(DAYS)
def test_a_week_that_starts_on_monday_bears_the_iso_name(on):
    year, number, _ = on.isocalendar()
    assert Calendar("UTC").week(on).name == f"{year}-W{number:02d}"


@given(CALENDARS, DAYS)
def test_no_two_weeks_share_a_name(calendar, on):
    week = calendar.week(on)
    assert week.name not in (calendar.week(on - 7 * DAY).name, calendar.week(on + 7 * DAY).name)
    assert len(week.days) == 7


@pytest.mark.parametrize(
    ("on", "name", "days"),
    [("2001-02-15", "2001-02", 28), ("2004-02-29", "2004-02", 29), ("2001-12-31", "2001-12", 31)],
)
def test_a_month_has_all_its_days(on, name, days):
    month = Calendar("UTC").month(day(on))
    assert (month.kind, month.name, len(month.days)) == ("month", name, days)


def test_a_year_is_as_long_as_it_really_was():
    assert Calendar("Europe/Berlin").year(day("2001-06-01")).seconds == 365 * 86400
    assert len(Calendar("UTC").year(day("2004-06-01")).days) == 366


@pytest.mark.parametrize(("name", "days"), ROLLING_DAYS.items())
def test_a_rolling_period_ends_with_its_last_day(name, days):
    period = Calendar("UTC").rolling(name, day("2001-03-01"))
    assert (period.kind, period.name, period.days[-1], len(period.days)) == ("rolling", name, day("2001-03-01"), days)


def test_everything_reaches_from_the_first_day_to_the_last():
    period = Calendar("UTC").all(day("2001-01-15"), day("2001-02-15"))
    assert (period.kind, period.name, period.days[0], period.days[-1]) == (
        "all",
        "all",
        day("2001-01-15"),
        day("2001-02-15"),
    )
