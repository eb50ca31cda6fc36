"""Sums over buckets: what adds up, what is the highest, and what was carried in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.serve.sums import SUMMARY_COLUMNS, excluded_sessions, rounded, summary
from tests.unit.drawing import utc
from tests.unit.serve.samples import bucket, days

WEEK = days("""
    on         | started | completed | active | seconds | peak | peak_at             | length_seconds | length_count
    2001-01-15 | 5       | 3         | 7      | 3600    | 4    | 2001-01-15 10:00:00 | 900            | 4
    2001-01-16 | 2       | 4         | 6      | 7200    | 6    | 2001-01-16 11:00:00 | 300            | 2
    2001-01-18 | 1       | 1         | 1      | 1800    | 6    | 2001-01-18 12:00:00 | 1800           | 1
    """)


def test_what_adds_up_is_added_up_and_peaks_are_not():
    got = summary(WEEK, unique_listeners=6, seconds=4 * 86_400)
    assert got == {
        "total_sessions": 8, "total_hours": 3.5, "total_days": 0.145833, "unique_listeners": 6,
        "peak_listeners": 6, "peak_at": utc("2001-01-16 11:00"), "average_listeners": 0.036458,
        "average_session_seconds": 428.571429, "sessions_completed": 8, "sessions_active": 10,
        "seconds": 345_600, "covered_seconds": 345_600,
    }  # fmt: skip


def test_a_summary_needs_no_other_columns_than_it_names():
    rows = [{name: row[name] for name in SUMMARY_COLUMNS} for row in WEEK]
    assert summary(rows, unique_listeners=6, seconds=1) == summary(WEEK, unique_listeners=6, seconds=1)


def test_the_first_of_equal_peaks_is_the_one_that_is_told():
    assert summary(WEEK[1:], unique_listeners=1, seconds=1)["peak_at"] == utc("2001-01-16 11:00")


def test_sessions_active_in_a_period_are_those_carried_in_and_those_that_started():
    assert summary(WEEK, unique_listeners=0, seconds=1)["sessions_active"] == (7 - 5) + 5 + 2 + 1
    assert summary(WEEK[1:2], unique_listeners=0, seconds=1)["sessions_active"] == WEEK[1]["sessions_active"]


def test_an_average_session_is_over_those_with_a_known_end_alone():
    row = bucket(started=3, length_seconds=100.0, length_count=2)
    assert summary([row], unique_listeners=3, seconds=60)["average_session_seconds"] == 50


def test_a_period_in_which_nobody_listened_is_all_zeros():
    got = summary([], unique_listeners=0, seconds=86_400)
    assert got.pop("peak_at") is None and got.pop("seconds") == got.pop("covered_seconds") == 86_400
    assert set(got.values()) == {0}


def test_an_average_is_of_the_covered_seconds_and_null_where_there_are_none():
    half = summary(WEEK[:1], unique_listeners=1, seconds=7200, covered_seconds=3600, outside_seconds=1800)
    assert (half["average_listeners"], half["total_hours"], half["covered_seconds"]) == (0.5, 1, 3600)
    none = summary(WEEK[:1], unique_listeners=1, seconds=7200, covered_seconds=0, outside_seconds=3600)
    assert (none["average_listeners"], none["total_hours"]) == (None, 1)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9), st.integers(0, 86_400)), min_size=1, max_size=9))
def test_a_summary_of_parts_is_the_summary_of_the_whole(found):
    rows = [bucket(started=started, peak=peak, seconds=seconds) for started, peak, seconds in found]
    whole = summary(rows, unique_listeners=0, seconds=1)
    parts = [summary([row], unique_listeners=0, seconds=1) for row in rows]
    assert whole["total_sessions"] == sum(part["total_sessions"] for part in parts)
    assert whole["total_hours"] == pytest.approx(sum(part["total_hours"] for part in parts), abs=1e-5)
    assert whole["peak_listeners"] == max(part["peak_listeners"] for part in parts)


def test_sessions_that_are_not_counted_are_added_up_by_reason():
    rows = [bucket(excluded={"bot": 2, "no_media": 1}), bucket(excluded=[("bot", 3)]), bucket()]
    assert excluded_sessions(rows) == {"bot": 5, "no_media": 1}
    assert list(excluded_sessions([bucket(excluded={"too_short": 1, "bot": 1})])) == ["bot", "too_short"]


def test_numbers_are_rounded_to_six_digits_whatever_they_are():
    assert (rounded(1 / 3), rounded(2), str(rounded(0.1 + 0.2))) == (0.333333, 2.0, "0.3")
