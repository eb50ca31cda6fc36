"""Listening over any range of days, from documents alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from metrics_lake.coverage.covered import Covered
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.model.periods import Calendar
from metrics_lake.serve import listening
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.query import Answer, ListeningQuery
from metrics_lake.serve.sums import summary
from tests.unit.drawing import day, utc
from tests.unit.serve.samples import CALENDAR, bucket, days, hour
from tests.unit.serve.test_listening import DATA_STATUS, sketch

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
    found = [listening.day_document("acme", row, CALENDAR, DATA_STATUS) for row in rows]
    found += [
        listening.hour_document("acme", hour(f"2001-01-{at}:00", started=number, unique=1), DATA_STATUS)
        for number, at in enumerate(("13 21", "13 22", "14 21", "14 22"), 1)
    ]
    live = bucket(listened_on=day("2001-01-15"), stream="live", started=3, unique=3)
    made.upsert(listening.CONTAINER, [*found, listening.day_document("acme", live, CALENDAR, DATA_STATUS)])
    return made


def asked(
    store, first: str, last: str, by: str = "day", stream: str = "*", calendar: Calendar = CALENDAR, **more
) -> Answer:
    """Of whole days, the last included; of several streams with names apart by blanks."""
    start, end = calendar.day_start(day(first)), calendar.day_start(day(last) + timedelta(days=1))
    return ListeningQuery(store, "acme", calendar, stream.split(), start, end, **more).answer(by)


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
        ("2001-01-14T00:00:00+02:00", 2),
        ("2001-01-14T23:00:00+02:00", 3),
    ]


def test_one_stream_is_told_apart_from_the_whole(store):
    assert asked(store, "2001-01-15", "2001-01-15", stream="live").total["total_sessions"] == 3


@pytest.mark.parametrize("by", ["hour", "day", "week", "month"])
def test_a_range_in_which_nobody_listened_is_empty_and_no_error(store, by):
    answer = asked(store, "2002-01-01", "2002-01-31", by)
    assert (answer.buckets, answer.total["total_sessions"], answer.total["peak_at"]) == ([], None, None)


def test_before_anything_was_published_every_range_is_empty(tmp_path):
    assert asked(SqliteDocuments(str(tmp_path / "none.db")), "2001-01-01", "2001-01-31").buckets == []


def test_instants_are_written_in_utc_and_days_as_they_are():
    assert listening.stamp(utc("2001-01-15 10:00")) == "2001-01-15T10:00:00Z"
    assert listening.stamp(day("2001-01-15")) == "2001-01-15"


# --- what is covered -------------------------------------------------------------------------------------------------


@pytest.fixture
def covered(store) -> SqliteDocuments:
    """Of the same days all that came: from the tenant's first hour, 13 January 10:00, to the end of the 16th, one day missing."""
    gap = (CALENDAR.day_start(day("2001-01-14")), CALENDAR.day_start(day("2001-01-15")))
    known = Covered(((utc("2001-01-13 10:00"), gap[0]), (gap[1], CALENDAR.day_start(day("2001-01-17")))))
    status = DataStatus(gap[0], timedelta(hours=24), known={"acme": known})
    period = CALENDAR.all(day("2001-01-13"), day("2001-01-17"))
    figures = summary([], unique_listeners=9, seconds=1)
    store.upsert(listening.CONTAINER, [listening.period_document("acme", "*", period, figures, status)])
    return store


def test_days_without_listening_are_zero_where_data_came_and_null_where_none_did(covered):
    answer = asked(covered, "2001-01-12", "2001-01-19")
    told = {each["start"][8:]: (each["total_sessions"], each["covered_seconds"]) for each in answer.buckets}
    assert told == {
        "12": (None, 0), "13": (1, 43_200), "14": (2, 0), "15": (4, 86_400), "16": (0, 86_400), "17": (8, 0),
        "18": (None, 0), "19": (None, 0),
    }  # fmt: skip
    unknown = answer.buckets[0]
    assert unknown["unique_listeners"]["value"] is unknown["peak_listeners"] is unknown["average_listeners"] is None
    assert (unknown["seconds"], unknown["status"], answer.buckets[1]["status"]) == (
        86_400,
        "final",
        "provisional",
    )


def test_an_average_is_over_the_hours_that_came(covered):
    answer = asked(covered, "2001-01-15", "2001-01-20")
    assert answer.total["average_listeners"] == pytest.approx((7200 + 3600) / (2 * 86_400), abs=1e-6)
    assert (answer.total["seconds"], answer.total["covered_seconds"]) == (6 * 86_400, 2 * 86_400)
    assert [each["average_listeners"] for each in asked(covered, "2001-01-17", "2001-01-17").buckets] == [None]


@pytest.mark.parametrize("by", ["hour", "day", "week", "month"])
def test_a_range_of_which_nothing_is_known_has_no_buckets_and_no_zeros(covered, by):
    answer = asked(covered, "2002-01-01", "2002-01-31", by)
    assert (answer.buckets, answer.total["total_sessions"], answer.total["covered_seconds"]) == ([], None, 0)


def test_hours_that_came_without_listeners_are_zero(covered):
    buckets = asked(covered, "2001-01-13", "2001-01-14", "hour").buckets
    assert len(buckets) == 48
    assert [each["total_sessions"] for each in buckets[11:14]] == [None, 0, 0]
    assert [each["total_sessions"] for each in buckets[22:26]] == [0, 1, 2, None]


def test_an_answer_says_up_to_when_data_is_complete(covered, store):
    assert asked(covered, "2001-01-15", "2001-01-15").complete_through == "2001-01-14T00:00:00+02:00"


def test_who_is_new_is_unknown_where_nothing_is_known(covered):
    answer = asked(covered, "2001-01-15", "2001-01-18", new_since=CALENDAR.day_start(day("2001-01-13")))
    assert answer.buckets[-1]["new_listeners"]["value"] is answer.buckets[-1]["returning_listeners"]["value"] is None


# --- whole hours -----------------------------------------------------------------------------------------------------


@pytest.fixture
def hourly(tmp_path) -> SqliteDocuments:
    """Three days of which every hour has a session, a listener of its own and one who is always there."""
    made = SqliteDocuments(str(tmp_path / "hourly.db"))
    for on in ("2001-01-15", "2001-01-16", "2001-01-17"):
        hours = [
            hour(each.start, started=1, active=2, seconds=600, peak=1 + each.of_day, peak_at=each.start, unique=2,
                 unique_sketch=sketch([f"{on} {each.of_day}", "always"]), excluded={"bot": 1})
            for each in CALENDAR.hours(day(on))
        ]  # fmt: skip
        who = [f"{on} {number}" for number in range(24)]
        whole = bucket(listened_on=day(on), started=24, active=25, seconds=24 * 600, peak=24, peak_at=hours[-1]["peak_at"],
                       unique=25, unique_sketch=sketch([*who, "always"]), excluded={"bot": 24})  # fmt: skip
        made.upsert(listening.CONTAINER, [listening.hour_document("acme", each, DATA_STATUS) for each in hours])
        made.upsert(listening.CONTAINER, [listening.day_document("acme", whole, CALENDAR, DATA_STATUS)])
    return made


@pytest.mark.parametrize(("first", "last", "hours", "peak"), [
    ("15 10:00", "15 12:00", 2, 12), ("15 22:00", "16 03:00", 5, 24), ("15 20:00", "17 02:00", 30, 24),
    ("15 00:00", "17 01:00", 49, 24), ("16 23:00", "18 00:00", 25, 24), ("15 00:00", "16 00:00", 24, 24),
    ("16 00:00", "16 07:00", 7, 7),
])  # fmt: skip
@pytest.mark.parametrize("by", ["hour", "day", "week"])
def test_any_range_of_whole_hours_is_exact(hourly, first, last, hours, peak, by):
    start, end = (utc(f"2001-01-{each}") - timedelta(hours=2) for each in (first, last))
    answer = ListeningQuery(hourly, "acme", CALENDAR, ["*"], start, end).answer(by)
    assert answer.total["total_sessions"] == hours and answer.excluded == {"bot": hours}
    assert answer.total["sessions_active"] == hours + 1
    assert answer.total["unique_listeners"] == {"value": hours + 1, "method": "exact", "relative_error": 0.0}
    assert (answer.total["peak_listeners"], answer.total["average_listeners"]) == (peak, round(1 / 6, 6))
    assert sum(each["total_sessions"] for each in answer.buckets) == hours
    assert all(each["average_listeners"] == round(1 / 6, 6) for each in answer.buckets)
    assert by != "hour" or len(answer.buckets) == hours


def test_a_range_is_told_in_words_as_days_or_as_hours(hourly):
    assert asked(hourly, "2001-01-15", "2001-01-16").words == "2001-01-15 to 2001-01-16"
    start, end = utc("2001-01-15 08:00"), utc("2001-01-15 10:00")
    assert (
        ListeningQuery(hourly, "acme", CALENDAR, ["*"], start, end).answer("day").words
        == "2001-01-15 10:00 to 2001-01-15 12:00"
    )


# --- several streams -------------------------------------------------------------------------------------------------


def test_streams_together_add_up_and_count_a_listener_once_and_know_no_peak(store):
    found = [bucket(listened_on=day(f"2001-01-{on}"), stream=stream, started=2, active=active, seconds=60, peak=2, unique=2,
                    length_seconds=length, length_count=1, unique_sketch=sketch(who))
             for on, stream, active, length, who in
             ((15, "fm", 3, 10, "ab"), (15, "web", 4, 20, "bc"), (16, "web", 5, 60, "cd"))]  # fmt: skip
    store.upsert(listening.CONTAINER, [listening.day_document("acme", row, CALENDAR, DATA_STATUS) for row in found])
    answer = asked(store, "2001-01-15", "2001-01-16", stream="fm web")
    assert (answer.stream, answer.total["total_sessions"], answer.total["unique_listeners"]["value"]) == (
        "fm, web",
        6,
        4,
    )
    assert answer.total["sessions_active"] == 3 + (4 + 2) and answer.total["average_session_seconds"] == 30
    assert (answer.total["peak_listeners"], answer.total["peak_at"]) == (None, None)
    assert [each["unique_listeners"]["value"] for each in answer.buckets] == [3, 2]


# --- named periods ---------------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(tmp_path) -> SqliteDocuments:
    """Seven days, each with 6,000 listeners of whom half were there the day before; the periods know how many in all."""
    made = SqliteDocuments(str(tmp_path / "crowded.db"))
    for number in range(7):
        who = range(3000 * number, 3000 * number + 6000)
        row = bucket(listened_on=day("2001-01-15") + timedelta(days=number), unique=6000, unique_sketch=sketch(who))
        made.upsert(listening.CONTAINER, [listening.day_document("acme", row, CALENDAR, DATA_STATUS)])
    week, month = CALENDAR.week(day("2001-01-15")), CALENDAR.month(day("2001-01-15"))
    rolling = CALENDAR.rolling("last-7-days", day("2001-01-21"))
    for period, number in ((week, 24_000), (month, 24_001), (rolling, 24_000)):
        figures = summary([], unique_listeners=number, seconds=1)
        made.upsert(listening.CONTAINER, [listening.period_document("acme", "*", period, figures, DATA_STATUS)])
    return made


@pytest.mark.parametrize(("first", "last", "exact"), [
    ("2001-01-15", "2001-01-21", 24_000), ("2001-01-01", "2001-01-31", 24_001), ("2001-01-15", "2001-01-15", 6000),
])  # fmt: skip
def test_the_listeners_of_a_named_period_are_exact_however_many_there_are(crowded, first, last, exact):
    total = asked(crowded, first, last, "week").total
    assert total["unique_listeners"] == {"value": exact, "method": "exact", "relative_error": 0.0}


def test_the_listeners_of_any_other_range_are_estimated_and_say_so(crowded):
    unique = asked(crowded, "2001-01-15", "2001-01-20").total["unique_listeners"]
    assert (unique["method"], unique["relative_error"]) == ("theta", 0.016) and abs(
        unique["value"] / 21_000 - 1
    ) < 0.048


def test_a_bucket_that_is_a_named_period_is_exact_too(crowded):
    [week] = asked(crowded, "2001-01-15", "2001-01-28", "week").buckets
    assert week["unique_listeners"]["value"] == 24_000


def test_a_period_s_document_says_which_and_how_much():
    period = CALENDAR.week(day("2001-01-15"))
    figures = summary([bucket(started=2, peak=3, peak_at=utc("2001-01-15 10:15"))], unique_listeners=2, seconds=60)
    made = listening.period_document("acme", "live", period, figures, DATA_STATUS)
    assert (made["id"], made["begins_at"], made["peak_at"]) == (
        "live:week:2001-W03", "2001-01-14T22:00:00Z", "2001-01-15T10:15:00Z",
    )  # fmt: skip
    assert (made["unique_listeners"], made["status"]) == (2, "provisional")


# --- new and returning listeners, changed keys -----------------------------------------------------------------------


def test_new_listeners_are_those_who_were_not_there_before_and_the_rest_return(store):
    answer = asked(store, "2001-01-15", "2001-01-17", new_since=CALENDAR.day_start(day("2001-01-13")))
    exact = {"method": "exact", "relative_error": 0.0}
    assert answer.total["new_listeners"] == {"value": 2, **exact}  # c and d; a and b were there on the 14th
    assert answer.total["returning_listeners"] == {"value": 2, **exact}
    told = [(each["new_listeners"]["value"], each["returning_listeners"]["value"]) for each in answer.buckets]
    assert told == [(1, 2), (1, 1)]


def test_who_was_there_only_before_the_day_that_is_asked_since_is_new(store):
    answer = asked(store, "2001-01-15", "2001-01-15", new_since=CALENDAR.day_start(day("2001-01-14")))
    assert answer.total["new_listeners"]["value"] == 1
    answer = asked(store, "2001-01-17", "2001-01-17", new_since=CALENDAR.day_start(day("2001-01-16")))
    assert (answer.total["new_listeners"]["value"], answer.total["returning_listeners"]["value"]) == (2, 0)


def test_without_asking_nobody_is_called_new(store):
    assert "new_listeners" not in asked(store, "2001-01-15", "2001-01-15").total


def test_a_range_within_which_keys_changed_is_marked_and_so_are_its_buckets_that_do(store):
    answer = asked(store, "2001-01-14", "2001-01-15", key_rotation="yearly")
    assert "crosses_epoch" not in answer.total["unique_listeners"]
    answer = asked(store, "2001-01-01", "2001-02-01", "month", key_rotation="monthly")
    assert answer.total["unique_listeners"]["crosses_epoch"] is True
    [january] = answer.buckets  # begins two hours before January does in UTC
    assert january["unique_listeners"]["crosses_epoch"] is True
    [hour_of, *_] = asked(store, "2001-01-14", "2001-01-15", "hour", key_rotation="daily").buckets
    assert "crosses_epoch" not in hour_of["unique_listeners"]
