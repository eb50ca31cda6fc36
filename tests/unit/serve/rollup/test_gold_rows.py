"""Rows of gold are found by stream and period, in the order of time."""

from __future__ import annotations

from metrics_lake.serve.rollup.gold_rows import LISTENING_BY_DAY, LISTENING_BY_HOUR, LISTENING_BY_PERIOD, GoldRows
from tests.unit.drawing import day
from tests.unit.serve.samples import CALENDAR, bucket, hour

WEEK = CALENDAR.week(day("2001-01-15"))


def test_a_period_has_its_own_days_in_order():
    gold = GoldRows()
    gold.add(
        LISTENING_BY_DAY, [bucket(listened_on=day(f"2001-01-{number}"), started=number) for number in (22, 14, 21, 15)]
    )
    assert [row["sessions_started"] for row in gold.of_period(LISTENING_BY_DAY, "acme", "*", WEEK)] == [15, 21]
    assert (
        gold.of_period(LISTENING_BY_DAY, "acme", "live", WEEK) == [] == gold.of_period("gold.other", "acme", "*", WEEK)
    )


def test_a_period_s_own_rows_are_found_by_its_name():
    gold, named = GoldRows(), {"tenant": "acme", "stream": "*", "kind": "week"}
    gold.add(LISTENING_BY_PERIOD, [{**named, "name": "2001-W03", "n": 1}, {**named, "name": "2001-W04", "n": 2}])
    assert [row["n"] for row in gold.of_period(LISTENING_BY_PERIOD, "acme", "*", WEEK)] == [1]


def test_hours_are_in_the_order_of_time_however_they_came():
    gold = GoldRows()
    gold.add(LISTENING_BY_HOUR, [hour("2001-01-15 12:00", started=2), hour("2001-01-15 10:00", started=1)])
    assert [row["sessions_started"] for row in gold.of_period(LISTENING_BY_HOUR, "acme", "*", WEEK)] == [1, 2]


def test_streams_of_a_tenant_are_those_with_days():
    gold = GoldRows()
    gold.add(LISTENING_BY_DAY, [bucket(listened_on=day("2001-01-15"), stream=stream) for stream in ("live", "*")])
    gold.add(LISTENING_BY_DAY, [bucket(listened_on=day("2001-01-15"), tenant="other", stream="fm")])
    assert (gold.streams("acme"), gold.streams("other"), gold.streams("none")) == (["*", "live"], ["fm"], [])
    assert gold.has_listening("acme", "live", WEEK) and not gold.has_listening("acme", "fm", WEEK)
    assert not gold.has_listening("acme", "live", CALENDAR.week(day("2001-01-22")))
