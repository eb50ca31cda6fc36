"""Listening over any range of days, from documents alone."""

from __future__ import annotations

import pytest

from metrics_lake.io.documents import SqliteDocuments
from metrics_lake.periods import Calendar
from metrics_lake.serve import listening
from metrics_lake.serve.ranges import Answer, ask
from tests.unit.drawing import day, utc
from tests.unit.serve.samples import CALENDAR, bucket, days, hour
from tests.unit.serve.test_listening import STANDING, sketch

DAYS = """
    on         | started | active | seconds | unique | peak | peak_at             | excluded
    2001-01-13 | 1       | 1      | 100     | 1      | 9    | 2001-01-13 10:00:00 | {}
    2001-01-14 | 2       | 3      | 3600    | 2      | 2    | 2001-01-14 10:00:00 | {bot: 1}
    2001-01-15 | 4       | 5      | 7200    | 3      | 5    | 2001-01-15 10:00:00 | {bot: 2}
    2001-01-17 | 8       | 8      | 3600    | 2      | 3    | 2001-01-17 10:00:00 | {no_media: 1}
    """
WHO = {"2001-01-13": "z", "2001-01-14": "ab", "2001-01-15": "abc", "2001-01-17": "cd"}


@pytest.fixture
def store(tmp_path) -> SqliteDocuments:
    made = SqliteDocuments(str(tmp_path / "documents.db"))
    rows = [{**row, "unique_sketch": sketch(WHO[str(row["listened_on"])])} for row in days(DAYS)]
    found = [listening.day_document("acme", row, CALENDAR, STANDING) for row in rows]
    found += [
        listening.hour_document("acme", hour(f"2001-01-{at}:00", started=number, unique=1), STANDING)
        for number, at in enumerate(("13 21", "13 22", "14 21", "14 22"), 1)
    ]
    live = bucket(listened_on=day("2001-01-15"), stream="live", started=3, unique=3)
    made.upsert(listening.CONTAINER, [*found, listening.day_document("acme", live, CALENDAR, STANDING)])
    return made


def asked(store, first: str, last: str, by: str = "day", stream: str = "*", calendar: Calendar = CALENDAR) -> Answer:
    return ask(store, "acme", calendar, stream, day(first), day(last), by)


def test_a_range_holds_its_first_and_its_last_day_and_no_other(store):
    answer = asked(store, "2001-01-14", "2001-01-15")
    assert [bucket["start"] for bucket in answer.buckets] == ["2001-01-14", "2001-01-15"]
    assert answer.total["total_sessions"] == 6 and answer.total["total_hours"] == 3
    assert (answer.total["peak_listeners"], answer.total["peak_at"]) == (5, "2001-01-15T10:00:00Z")
    assert answer.total["unique_listeners"] == {"value": 3, "method": "exact", "relative_error": 0.0}
    assert answer.excluded == {"bot": 3}


def test_the_average_of_a_range_counts_its_silent_days_too(store):
    answer = asked(store, "2001-01-14", "2001-01-17")
    assert answer.total["average_listeners"] == pytest.approx(14_400 / (4 * 86_400), abs=1e-6)
    assert [bucket["start"] for bucket in answer.buckets] == ["2001-01-14", "2001-01-15", "2001-01-17"]


def test_a_range_may_be_told_by_weeks(store):
    answer = asked(store, "2001-01-13", "2001-01-17", "week")
    told = [(each["start"], each["total_sessions"], each["unique_listeners"]["value"]) for each in answer.buckets]
    assert told == [("2001-W02", 3, 3), ("2001-W03", 12, 4)]


def test_a_week_of_which_only_days_are_asked_for_is_averaged_over_those(store):
    [week] = asked(store, "2001-01-15", "2001-01-16", "week").buckets
    assert week["average_listeners"] == pytest.approx(7200 / (2 * 86_400), abs=1e-6)


def test_a_week_starts_when_the_tenant_says(store):
    sunday = Calendar(CALENDAR.timezone, week_starts="sunday")
    assert [each["start"] for each in asked(store, "2001-01-13", "2001-01-17", "week", calendar=sunday).buckets] == [
        "2001-W02",
        "2001-W03",
    ]
    [*_, last] = asked(store, "2001-01-13", "2001-01-17", "week", calendar=sunday).buckets
    assert last["total_sessions"] == 14


def test_a_range_may_be_told_by_months(store):
    [month] = asked(store, "2001-01-01", "2001-01-31", "month").buckets
    assert (month["start"], month["total_sessions"]) == ("2001-01", 15)
    assert month["average_listeners"] == pytest.approx(14_500 / (31 * 86_400), abs=1e-6)


def test_hours_are_those_of_the_tenant_s_days(store):
    answer = asked(store, "2001-01-14", "2001-01-14", "hour")
    assert [(each["start"], each["total_sessions"]) for each in answer.buckets] == [
        ("2001-01-13T22:00:00Z", 2),
        ("2001-01-14T21:00:00Z", 3),
    ]


def test_one_stream_is_told_apart_from_the_whole(store):
    assert asked(store, "2001-01-15", "2001-01-15", stream="live").total["total_sessions"] == 3


@pytest.mark.parametrize("by", ["hour", "day", "week", "month"])
def test_a_range_in_which_nobody_listened_is_empty_and_no_error(store, by):
    answer = asked(store, "2002-01-01", "2002-01-31", by)
    assert (answer.buckets, answer.total["total_sessions"], answer.total["peak_at"]) == ([], 0, None)


def test_before_anything_was_published_every_range_is_empty(tmp_path):
    assert asked(SqliteDocuments(str(tmp_path / "none.db")), "2001-01-01", "2001-01-31").buckets == []


def test_instants_are_written_in_utc_and_days_as_they_are():
    assert listening.stamp(utc("2001-01-15 10:00")) == "2001-01-15T10:00:00Z"
    assert listening.stamp(day("2001-01-15")) == "2001-01-15"
