"""`listening` documents, and what any set of them says together."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from datasketches import update_theta_sketch
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.coverage.covered import WHOLE, Covered
from metrics_lake.model.periods import Calendar
from metrics_lake.serve import listening, uniques
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.uniques import RELATIVE_ERROR
from tests.unit.drawing import day, utc
from tests.unit.serve.samples import CALENDAR, bucket, hour

DATA_STATUS = DataStatus(utc("2001-01-16 12:00"), timedelta(hours=24))


def sketch(listeners) -> bytes:
    """The sketch that Spark would keep of these listeners."""
    made = update_theta_sketch(12)
    for listener in listeners:
        made.update(str(listener))
    return made.compact().serialize()


def a_day(on: str = "2001-01-15", **figures):
    listeners = figures.pop("listeners", ())
    row = bucket(listened_on=day(on), unique=len(set(listeners)), unique_sketch=sketch(listeners), **figures)
    return listening.day_document("acme", row, CALENDAR, DATA_STATUS)


def test_a_day_s_document_is_found_by_stream_and_local_date():
    document = a_day(
        stream="live", started=2, peak=2, peak_at=utc("2001-01-15 10:15"), seconds=8640, excluded={"bot": 1}
    )
    assert (document["id"], document["tenant"], document["grain"]) == ("live:day:2001-01-15", "acme", "day")
    assert (document["begins_at"], document["ends_at"]) == ("2001-01-14T22:00:00Z", "2001-01-15T22:00:00Z")
    assert (document["peak_at"], document["total_sessions"], document["average_listeners"]) == (
        "2001-01-15T10:15:00Z",
        2,
        0.1,
    )
    assert (document["excluded"], document["status"]) == ({"bot": 1}, "provisional")


def test_an_hour_s_document_is_found_by_stream_and_instant():
    document = listening.hour_document("acme", hour("2001-01-15 10:00", seconds=1800), DATA_STATUS)
    assert (document["id"], document["start"]) == ("*:hour:2001-01-15T10:00:00Z", "2001-01-15T10:00:00Z")
    assert (document["ends_at"], document["average_listeners"]) == ("2001-01-15T11:00:00Z", 0.5)


def test_an_average_is_over_the_real_length_of_a_day_on_which_the_clock_is_moved():
    row = bucket(listened_on=day("2001-10-28"), seconds=90_000)
    document = listening.day_document("acme", row, Calendar("Europe/Berlin"), DATA_STATUS)
    assert document["average_listeners"] == 1


def test_a_first_document_has_revision_one():
    assert listening.revised(a_day(), None)["revision"] == 1


def test_a_document_that_did_not_change_is_not_written_again():
    assert listening.revised(a_day(started=1), {**a_day(started=1), "revision": 3}) is None


@pytest.mark.parametrize(
    "change", [{"total_sessions": 2}, {"unique_sketch": None}, {"peak_at": "2001-01-15T10:15:00Z"}]
)
def test_a_number_that_changed_raises_the_revision(change):
    assert listening.revised({**a_day(), **change}, {**a_day(), "revision": 3})["revision"] == 4


def test_a_status_that_changed_leaves_the_revision_as_it_is():
    new = listening.revised({**a_day(), "status": "final"}, {**a_day(), "revision": 3})
    assert (new["status"], new["revision"]) == ("final", 3)


# --- unique listeners ------------------------------------------------------------------------------------------------

SETS = st.lists(st.sets(st.integers(0, 400), max_size=60), min_size=2, max_size=6)


@settings(max_examples=30)
@given(SETS)
def test_the_listeners_of_several_days_are_counted_once_each_and_exactly(sets):
    got = uniques.count([a_day(listeners=listeners) for listeners in sets])
    assert got == {"value": len(set().union(*sets)), "method": "exact", "relative_error": 0.0}


def test_up_to_four_thousand_listeners_a_union_is_exact():
    got = uniques.count([a_day(listeners=range(0, 2500)), a_day(listeners=range(1500, 4000))])
    assert got == {"value": 4000, "method": "exact", "relative_error": 0.0}


def test_above_that_the_number_is_an_estimate_that_says_how_sure_it_is():
    found = [a_day(listeners=range(start, start + 8000)) for start in range(0, 40_000, 4000)]
    got = uniques.count(found)
    assert (got["method"], got["relative_error"]) == ("theta", 0.016)
    assert abs(got["value"] - 44_000) < 3 * RELATIVE_ERROR * 44_000


def test_the_order_of_documents_does_not_change_an_estimate():
    found = [a_day(listeners=range(start, start + 8000)) for start in range(0, 40_000, 4000)]
    assert uniques.count(found) == uniques.count(reversed(found))


def test_one_document_s_own_number_is_exact_however_many_there_are():
    got = uniques.count([a_day(listeners=range(20_000))])
    assert got == {"value": 20_000, "method": "exact", "relative_error": 0.0}


def test_days_without_anybody_have_no_listeners():
    nobody = {**a_day(), "unique_sketch": None}
    assert uniques.count([nobody, nobody])["value"] == uniques.count([])["value"] == 0


def test_a_total_adds_up_its_documents_and_counts_listeners_once():
    found = [
        a_day(
            "2001-01-15", started=2, active=3, seconds=3600, peak=2, peak_at=utc("2001-01-15 10:00"), listeners="abc"
        ),
        a_day("2001-01-16", started=4, active=5, seconds=7200, peak=3, peak_at=utc("2001-01-16 10:00"), listeners="cd"),
    ]
    got = listening.total([found], uniques.count(found), seconds=2 * 86_400)
    assert (got["total_sessions"], got["sessions_active"], got["total_hours"]) == (6, 7, 3)
    assert (got["peak_listeners"], got["peak_at"], got["average_listeners"]) == (3, "2001-01-16T10:00:00Z", 0.0625)
    assert got["unique_listeners"] == {"value": 4, "method": "exact", "relative_error": 0.0}


# --- what is covered -------------------------------------------------------------------------------------------------

KNOWN = Covered(
    ((utc("2001-01-15 10:00"), utc("2001-01-15 11:00")), (utc("2001-01-15 12:00"), utc("2001-01-15 13:00"))),
    {"*": ((utc("2001-01-15 11:00"), 900.0),)},
)
PARTLY = DataStatus(utc("2001-01-15 11:00"), timedelta(hours=24), known={"acme": KNOWN})


@pytest.mark.parametrize(("at", "seconds", "covered", "average"), [("10", 1800, 3600, 0.5), ("11", 900, 0, None)])
def test_an_hour_s_document_says_whether_its_log_came(at, seconds, covered, average):
    document = listening.hour_document("acme", hour(f"2001-01-15 {at}:00", seconds=seconds), PARTLY)
    assert (document["seconds"], document["covered_seconds"], document["average_listeners"]) == (3600, covered, average)
    assert document["total_hours"] == seconds / 3600


def test_a_day_s_average_leaves_out_what_was_heard_in_hours_that_did_not_come():
    row = bucket(listened_on=day("2001-01-15"), seconds=2700)
    document = listening.day_document("acme", row, CALENDAR, PARTLY)
    assert (document["average_listeners"], document["outside_seconds"]) == (0.25, 900)


def test_the_document_of_all_time_says_what_is_covered_and_how_far_data_is_complete():
    period = CALENDAR.all(day("2001-01-15"), day("2001-01-15"))
    whole, stream = (
        listening.period_document("acme", name, period, {"peak_at": None}, PARTLY) for name in ("*", "live")
    )
    assert listening.covered_of(whole).spans == KNOWN.spans and whole["complete_through"] == "2001-01-15T11:00:00Z"
    assert "covered" not in stream and listening.covered_of(stream) is listening.covered_of(None) is WHOLE


def test_a_sketch_is_kept_as_text():
    assert base64.b64decode(a_day(listeners="ab")["unique_sketch"]) == sketch("ab")
    assert (
        listening.day_document("acme", bucket(listened_on=day("2001-01-15")), CALENDAR, DATA_STATUS)["unique_sketch"]
        is None
    )
