"""What is covered of a bucket: hours received from any expected proxy, from the tenant's first on, true to its clock."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.coverage.completeness import MISSING, RECEIVED, Coverage, Proxy
from metrics_lake.coverage.covered import WHOLE, Covered, spans
from metrics_lake.coverage.hours import HOUR
from metrics_lake.model.periods import Calendar
from tests.unit.drawing import utc

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
TURNS = {  # days around which the zone's clock or date changes
    "UTC": date(2001, 1, 15),
    "Asia/Kathmandu": date(2001, 1, 15),
    "Australia/Lord_Howe": date(2001, 3, 25),
    "Pacific/Apia": date(2011, 12, 30),
    "America/New_York": date(2001, 4, 1),
    "Europe/London": date(2001, 10, 28),
}
ZONES = st.sampled_from(sorted(TURNS))
OFFSETS = st.sets(st.integers(0, 23 + 4 * 24))


def coverage(by_proxy: dict[str, set[int]], expected: set[str], start: datetime) -> Coverage:
    proxies = []
    for name, numbers in by_proxy.items():
        if numbers:
            hours = range(min(numbers), max(numbers) + 1)
            kinds = {start + HOUR * n: RECEIVED if n in numbers else MISSING for n in hours}
            proxies.append(Proxy(name, name in expected, kinds))
    return Coverage(tuple(proxies))


@given(st.fixed_dictionaries({"a": OFFSETS, "b": OFFSETS}), st.sets(st.sampled_from("ab"), min_size=1), ZONES,
       st.integers(0, 120), st.sampled_from(["00:00", "04:30"]))  # fmt: skip
def test_covered_seconds_are_those_of_a_slow_count_and_add_up(by_proxy, expected, zone, first, broadcast_day_starts):
    calendar = Calendar(zone, broadcast_day_starts=broadcast_day_starts)
    on, start = TURNS[zone], calendar.day_start(TURNS[zone] - _DAY).replace(minute=0) - HOUR * 2
    received = coverage(by_proxy, expected, start).received_hours
    covered = Covered(spans(received, start + HOUR * first))
    minutes = {
        hour + _MINUTE * n
        for name in expected
        for number in by_proxy[name]
        for hour in [start + HOUR * number]
        for n in range(60)
        if number >= first
    }
    for day in (calendar.day(on + _DAY * n) for n in range(-2, 4)):
        slow = 60 * sum(day.start <= minute < day.end for minute in minutes)
        assert covered.seconds(day.start, day.end) == slow <= day.seconds
        assert sum(covered.seconds(hour.start, hour.end) for hour in calendar.hours(day.first_on)) == slow
    week = calendar.week(on)
    assert covered.seconds(week.start, week.end) == sum(
        covered.seconds(calendar.day_start(day), calendar.day_start(day + _DAY)) for day in week.days
    )


@pytest.mark.parametrize(("zone", "on", "hours"), [
    ("Africa/Johannesburg", date(2001, 1, 15), 24), ("America/New_York", date(2001, 4, 1), 23),
    ("America/New_York", date(2001, 10, 28), 25), ("Australia/Lord_Howe", date(2001, 3, 25), 24.5),
    ("Pacific/Apia", date(2011, 12, 30), 0),
])  # fmt: skip
def test_a_day_without_gaps_is_covered_in_all_its_real_seconds(zone, on, hours):
    day = Calendar(zone).day(on)
    first = day.start.replace(minute=0) - HOUR
    received = [first + HOUR * n for n in range(30)]
    assert Covered(spans(received, first)).seconds(day.start, day.end) == day.seconds == hours * 3600


def test_hours_before_a_tenant_s_first_line_are_not_covered():
    received = [utc("2001-01-15 00:00") + HOUR * n for n in range(24)]
    assert spans(received, utc("2001-01-15 21:00")) == ((utc("2001-01-15 21:00"), utc("2001-01-16 00:00")),)


def test_listening_outside_of_what_is_covered_is_that_of_the_bucket_s_hours():
    covered = Covered((), {"live": ((utc("2001-01-15 10:00"), 30.0), (utc("2001-01-15 12:00"), 5.0))})
    ends = (utc("2001-01-15 10:00"), utc("2001-01-15 12:00"))
    assert (covered.listening_outside("live", *ends), covered.listening_outside("fm", *ends)) == (30.0, 0)


def test_where_nothing_else_is_known_everything_is_covered():
    start = datetime(2001, 1, 15, tzinfo=timezone.utc)
    assert WHOLE.seconds(start, start + _DAY) == 86_400
