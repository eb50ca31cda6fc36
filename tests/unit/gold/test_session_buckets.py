"""Sessions laid on days and hours: what is started, completed and active in which of them."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.gold import session_buckets
from metrics_lake.model.periods import Calendar
from tests.unit.drawing import day
from tests.unit.gold.drawn import START, sessions
from tests.unit.model.test_periods import CALENDARS, DAYS

HOUR, DAY = 3600, 86_400
ON = date(2001, 1, 15)


def laid_on_day(at: float, length: float | None) -> dict[str, object] | None:
    starts = session_buckets.milliseconds(START)
    found = session_buckets.in_bucket(
        session_buckets.from_sessions(sessions([("a", "live", at, length)])), starts, starts + DAY * 1000
    )
    return found.row(0, named=True) if found.height else None


@pytest.mark.parametrize(
    ("at", "length", "started", "ended", "active", "seconds"),
    [
        (10, 20, True, True, True, 20),  # inside
        (-10, 30, False, True, True, 20),  # carried in
        (DAY - 10, 30, True, False, True, 10),  # carried out
        (-10, DAY + 20, False, False, True, DAY),  # all day
        (-10, 10, False, True, False, 0),  # ends where the day begins: completed in it, not active
        (5, None, True, False, True, 0),  # a start without a known end
        (7, 0, True, True, True, 0),  # without length
    ],
)
def test_a_session_is_in_the_day_in_just_these_ways(at, length, started, ended, active, seconds):
    found = laid_on_day(at, length)
    assert found is not None
    assert (found["is_started"], found["is_ended"], found["is_active"]) == (started, ended, active)
    assert found["to_ms"] - found["from_ms"] == seconds * 1000


@pytest.mark.parametrize(("at", "length"), [(DAY, 5), (-10, 5), (-10, None)])
def test_a_session_beside_the_day_is_not_in_it(at, length):
    assert laid_on_day(at, length) is None


@given(st.lists(st.tuples(st.integers(-9000, 95_000), st.one_of(st.none(), st.integers(0, 20_000))), max_size=8))
def test_hours_take_a_day_apart_without_loss(drawn):
    held = session_buckets.from_sessions(
        sessions((f"l{n}", "live", at, length) for n, (at, length) in enumerate(drawn))
    )
    starts = session_buckets.milliseconds(START)
    whole = session_buckets.in_bucket(held, starts, starts + DAY * 1000)
    parts = session_buckets.in_hours(whole, session_buckets.hours(Calendar(), [ON]))
    for name in ("is_started", "is_ended"):
        assert parts[name].sum() == whole[name].sum()
    length = (pl.col("to_ms") - pl.col("from_ms")).filter("is_active").sum()
    assert parts.select(length).item() == whole.select(length).item()
    by_brute_force = {
        (who, hour)
        for who, at, to in held.select("listener_id", "started", "ended").rows()
        for hour in range(starts, starts + DAY * 1000, HOUR * 1000)
        if hour <= at < hour + HOUR * 1000 or (to is not None and at < hour + HOUR * 1000 and to > hour)
    }
    assert set(parts.filter("is_active").select("listener_id", "bucket_starts").rows()) == by_brute_force


def test_a_session_that_ends_where_an_hour_begins_is_completed_in_that_hour():
    starts = session_buckets.milliseconds(START)
    whole = session_buckets.in_bucket(
        session_buckets.from_sessions(sessions([("a", "live", 600, HOUR - 600)])), starts, starts + DAY * 1000
    )
    rows = (
        session_buckets.in_hours(whole, session_buckets.hours(Calendar(), [ON]))
        .select("hour_of_day", "is_active", "is_ended")
        .rows()
    )
    assert sorted(rows) == [(0, True, False), (1, False, True)]


def hours_of(zone: str, on: str) -> dict[tuple[int, str], str]:
    """(hour of the day, its start) to the end of the same hour before it."""
    rows = session_buckets.hours(Calendar(zone), [day(on)]).select("bucket_starts", "hour_of_day", "before_ends").rows()
    return {
        (of_day, str(session_buckets.moment(at))[5:16]): str(session_buckets.moment(before))[5:16]
        for at, of_day, before in rows
    }


@given(CALENDARS, st.lists(DAYS, min_size=1, max_size=3))
def test_the_hours_are_those_of_the_calendar(calendar, days):
    found = (
        session_buckets.hours(calendar, days)
        .select("listened_on", "bucket_starts", "bucket_ends", "hour_of_day")
        .rows()
    )
    ms = session_buckets.milliseconds
    assert found == [(on, ms(h.start), ms(h.end), h.of_day) for on in sorted(set(days)) for h in calendar.hours(on)]


def test_an_hour_knows_when_the_clock_last_showed_it():
    hours = hours_of("UTC", "2001-01-15")
    assert len(hours) == 24 and hours[19, "01-15 19:00"] == "01-14 20:00"


def test_an_hour_that_comes_twice_was_last_shown_an_hour_before():
    hours = hours_of("Europe/Berlin", "2001-10-28")
    assert hours[2, "10-28 00:00"] == "10-27 01:00"
    assert hours[2, "10-28 01:00"] == "10-28 01:00"


def test_an_hour_that_was_skipped_the_day_before_was_last_shown_the_day_before_that():
    assert hours_of("Europe/Berlin", "2001-03-26")[2, "03-26 00:00"] == "03-24 02:00"


@given(CALENDARS, DAYS, st.integers(1, 3))
def test_hours_of_several_days_know_the_same_as_those_of_each_alone(calendar, on, number):
    days = [on + timedelta(days=n) for n in range(number)]
    assert session_buckets.hours(calendar, days).equals(
        pl.concat(session_buckets.hours(calendar, [each]) for each in days)
    )


@given(CALENDARS, DAYS)
def test_the_same_hour_before_never_ends_after_the_hour_begins(calendar, on):
    found = session_buckets.hours(calendar, [on])
    assert (found["before_ends"] <= found["bucket_starts"]).all()
    assert (found["bucket_starts"] < found["bucket_ends"]).all()
