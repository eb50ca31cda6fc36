"""The JSON that frontends read: its shape, its sums, its places, and when its revision is raised."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import timedelta

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.config.settings import LENGTH_EDGES, Settings, contract
from metrics_lake.config.tenants import Tenant
from metrics_lake.coverage.covered import Covered
from metrics_lake.model import dimensions
from metrics_lake.model.periods import Calendar
from metrics_lake.serve import json_text
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.rollup import rollup
from metrics_lake.serve.rollup.gold_rows import GoldRows
from metrics_lake.serve.rollup.section import RollupContext
from metrics_lake.serve.rollup.session_lengths import label
from tests.unit.drawing import day, utc
from tests.unit.serve.samples import CALENDAR, days, hour

ZONE = "Africa/Johannesburg"
CONTEXT = RollupContext(
    "acme", CALENDAR, contract(Settings(), Tenant(name="Acme", timezone=ZONE), "2001-01"), LENGTH_EDGES
)
DATA_STATUS = DataStatus(utc("2001-01-16 12:00"), timedelta(hours=24))
NOW = utc("2001-01-16 12:30")
MONDAY, TUESDAY = day("2001-01-15"), day("2001-01-16")
CHECK = jsonschema.Draft202012Validator(rollup.schema(), format_checker=jsonschema.FormatChecker())


@pytest.fixture
def figures() -> GoldRows:
    gold = GoldRows()
    gold.add(
        "gold.listening_by_day",
        days("""
        on         | started | active | seconds | unique | peak | peak_at             | excluded
        2001-01-15 | 5       | 7      | 5400    | 4      | 3    | 2001-01-15 10:15:00 | {bot: 2}
        2001-01-16 | 1       | 2      | 1800    | 2      | 2    | 2001-01-16 08:00:00 | {bot: 1, no_media: 1}
        """),
    )
    gold.add("gold.listening_by_hour", [
        hour("2001-01-14 22:00", active=2, again=2, unique=2, peak=2, seconds=1800),
        hour("2001-01-15 10:00", started=4, active=5, unique=3, peak=3, seconds=3000, completed=3),
        hour("2001-01-15 11:00", started=1, active=3, unique=3, peak=2, seconds=600, completed=2),
        hour("2001-01-15 22:00", active=1, unique=1, peak=1, seconds=1200, again=1),
        hour("2001-01-16 08:00", started=1, active=1, unique=1, peak=1, seconds=600, completed=1),
    ])  # fmt: skip
    gold.add("gold.session_lengths_by_day", [
        {"tenant": "acme", "stream": "*", "listened_on": on, "at_least_minutes": edge, "session_count": count}
        for on, edge, count in ((MONDAY, 0, 2), (MONDAY, 15, 2), (MONDAY, 1080, 1), (TUESDAY, 15, 1))
    ])  # fmt: skip
    named = {"tenant": "acme", "stream": "*"}
    gold.add("gold.listening_by_period", [
        {**named, "kind": kind, "name": name, "unique_listeners": number, "unique_by_hour": [number] * 24}
        for kind, name, number in (("day", "2001-01-15", 4), ("day", "2001-01-16", 2), ("week", "2001-W03", 5))
    ])  # fmt: skip
    gold.add("gold.dimensions_by_period", [
        {**named, "kind": "day", "name": "2001-01-15", "dimension": dimension, "dimension_value": value,
         "sessions_started": started, "listening_seconds": seconds, "unique_listeners": 1}
        for dimension, value, started, seconds in (
            ("player", "VLC", 1, 600.0), ("player", "Sonos", 4, 4800.0), ("source", "b.example", 2, 0.0),
            ("source", "a.example", 2, 0.0), ("source", "direct", 3, 0.0),
        )
    ])  # fmt: skip
    return gold


@pytest.fixture
def a_day(figures) -> dict:
    return rollup.rollup(CONTEXT, "*", CALENDAR.day(MONDAY), figures, DATA_STATUS)


@pytest.fixture
def a_week(figures) -> dict:
    return rollup.rollup(CONTEXT, "*", CALENDAR.week(MONDAY), figures, DATA_STATUS)


def published(document: dict) -> dict:
    return json.loads(json_text.encoded(rollup.revised(document, None, NOW)))


PERIODS = {
    "day": CALENDAR.day(MONDAY), "week": CALENDAR.week(MONDAY), "month": CALENDAR.month(MONDAY),
    "year": CALENDAR.year(MONDAY), "rolling": CALENDAR.rolling("last-7-days", TUESDAY), "all": CALENDAR.all(MONDAY, TUESDAY),
}  # fmt: skip


@pytest.mark.parametrize("kind", PERIODS)
@pytest.mark.parametrize("stream", ["*", "nobody listened to this"])
def test_every_kind_of_document_fits_the_schema(figures, kind, stream):
    CHECK.validate(published(rollup.rollup(CONTEXT, stream, PERIODS[kind], figures, DATA_STATUS)))


@pytest.mark.parametrize(
    "harm",
    [
        lambda d: d.pop("revision"),
        lambda d: d.update(more=1),
        lambda d: d.update(revision=0),
        lambda d: d.update(status="done"),
        lambda d: d["summary"].update(total_sessions=-1),
        lambda d: d["summary"].update(total_sessions=1.5),
        lambda d: d["period"].update(start="15 January"),
        lambda d: d["contract"].update(hash="?"),
        lambda d: d["by_hour_of_day"].pop(),
    ],
)
def test_the_schema_refuses_what_is_no_such_document(a_day, harm):
    document = published(a_day)
    harm(document)
    assert not CHECK.is_valid(document)


def test_the_schema_is_one_itself():
    jsonschema.Draft202012Validator.check_schema(rollup.schema())


@pytest.mark.parametrize(
    ("kind", "stream", "path"),
    [
        ("day", "*", "acme/_all/day/2001-01-15.json"),
        ("week", "live", "acme/live/week/2001-W03.json"),
        ("month", "*", "acme/_all/month/2001-01.json"),
        ("year", "*", "acme/_all/year/2001.json"),
        ("rolling", "live", "acme/live/rolling/last-7-days.json"),
        ("all", "*", "acme/_all/all/all.json"),
    ],
)
def test_each_document_lies_where_the_contract_says(kind, stream, path):
    assert rollup.path("acme", stream, PERIODS[kind]) == path


def test_a_document_says_whose_and_when_on_the_tenant_s_clock(a_day):
    assert (a_day["schema"], a_day["tenant"], a_day["stream"]) == ("metrics-lake/rollup/1", "acme", "*")
    assert a_day["period"] == {
        "kind": "day", "name": "2001-01-15", "timezone": ZONE,
        "start": "2001-01-15T00:00:00+02:00", "end": "2001-01-16T00:00:00+02:00",
    }  # fmt: skip
    assert a_day["summary"]["peak_at"] == "2001-01-15T12:15:00+02:00"
    assert a_day["contract"]["timezone"] == ZONE


def test_the_uniques_of_a_period_are_its_own_and_no_sum(a_week):
    assert (a_week["summary"]["total_sessions"], a_week["summary"]["unique_listeners"]) == (6, 5)


def test_a_day_has_an_entry_for_each_of_its_hours_with_zeros_for_the_empty_ones(a_day):
    numbers = {entry["start"]: entry for entry in a_day["numbers"]}
    assert len(numbers) == 24
    assert numbers["2001-01-15T12:00:00+02:00"] == {
        "start": "2001-01-15T12:00:00+02:00", "total_sessions": 4, "unique_listeners": 3, "peak_listeners": 3,
        "total_hours": 0.833333, "average_session_seconds": 0, "sessions_completed": 3, "status": "final",
        "seconds": 3600, "covered_seconds": 3600,
    }  # fmt: skip
    assert sum(entry["peak_listeners"] == 0 for entry in a_day["numbers"]) == 21


def test_a_longer_period_has_an_entry_for_each_of_its_days(a_week):
    assert [entry["start"][:10] for entry in a_week["numbers"]] == [f"2001-01-{number}" for number in range(15, 22)]
    assert [entry["total_sessions"] for entry in a_week["numbers"]] == [5, 1, 0, 0, 0, 0, 0]


# --- what is covered -------------------------------------------------------------------------------------------------

PARTLY = DataStatus(
    utc("2001-01-15 11:00"),
    timedelta(hours=24),
    known={
        "acme": Covered(
            ((utc("2001-01-15 10:00"), utc("2001-01-15 11:00")), (utc("2001-01-15 20:00"), utc("2001-01-15 21:00"))),
            {"*": ((utc("2001-01-14 22:00"), 1800.0), (utc("2001-01-15 11:00"), 600.0))},
        )
    },
)


def test_an_hour_of_which_nothing_is_known_is_null_and_one_without_listeners_zero(figures):
    document = rollup.rollup(CONTEXT, "*", CALENDAR.day(MONDAY), figures, PARTLY)
    by_hour = {entry["start"][11:13]: entry for entry in document["numbers"]}
    shown = {hour: (by_hour[hour]["total_sessions"], by_hour[hour]["covered_seconds"]) for hour in by_hour}
    assert {hour: figure for hour, figure in shown.items() if figure != (None, 0)} == {
        "00": (0, 0),  # no log of this hour came, but sessions reach into it
        "12": (4, 3600), "13": (1, 0), "22": (0, 3600),
    }  # fmt: skip
    assert set(by_hour["05"].values()) - {by_hour["05"]["start"]} == {None, "provisional", 3600, 0}
    CHECK.validate(published(document))


def test_an_average_is_of_the_listening_in_the_hours_that_came(figures):
    summary = rollup.rollup(CONTEXT, "*", CALENDAR.day(MONDAY), figures, PARTLY)["summary"]
    assert (summary["seconds"], summary["covered_seconds"], summary["total_hours"]) == (86_400, 7200, 1.5)
    assert summary["average_listeners"] == round((5400 - 1800 - 600) / 7200, 6)


def test_where_no_hour_came_there_is_no_average(figures):
    nothing = DataStatus(PARTLY.complete_through, PARTLY.restatement, known={"acme": Covered(())})
    document = rollup.rollup(CONTEXT, "*", CALENDAR.day(MONDAY), figures, nothing)
    assert (document["summary"]["average_listeners"], document["summary"]["total_sessions"]) == (None, 5)
    CHECK.validate(published(document))


def test_hours_of_the_day_add_up_what_is_known(figures):
    document = rollup.rollup(CONTEXT, "*", CALENDAR.day(MONDAY), figures, PARTLY)
    assert sum(entry["sessions_started"] for entry in document["by_hour_of_day"]) == 5


def test_entries_that_become_final_raise_no_revision(figures):
    period, restatement = CALENDAR.week(MONDAY), timedelta(hours=24)
    old, new = (
        rollup.rollup(CONTEXT, "*", period, figures, DataStatus(utc(through), restatement))
        for through in ("2001-01-16 12:00", "2001-01-17 12:00")
    )
    assert [entry["status"] for entry in new["numbers"]].count("final") == 1
    assert rollup.revised(new, published(old), NOW)["revision"] == 1


# --- clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("on", "hours"), [("2001-03-25", 23), ("2001-10-28", 25)])
def test_a_day_on_which_the_clock_is_moved_has_its_real_hours(on, hours):
    berlin = RollupContext("acme", Calendar("Europe/Berlin"), CONTEXT.contract, LENGTH_EDGES)
    document = rollup.rollup(berlin, "*", berlin.calendar.day(day(on)), GoldRows(), DATA_STATUS)
    starts = [entry["start"] for entry in document["numbers"]]
    assert len(set(starts)) == hours and len(document["by_hour_of_day"]) == 24


def test_an_hour_of_the_day_adds_up_over_days_each_session_once(a_week):
    midnight, ten, noon = (a_week["by_hour_of_day"][hour] for hour in (0, 10, 12))
    assert (midnight["hour"], midnight["sessions_active"], midnight["total_hours"]) == (0, 2 + 1 - 1, 0.833333)
    assert (noon["sessions_started"], noon["sessions_completed"], noon["sessions_active"]) == (4, 3, 5)
    assert (ten["sessions_started"], ten["unique_listeners"]) == (1, 5)
    total = sum(entry["total_hours"] for entry in a_week["by_hour_of_day"])
    assert total == pytest.approx(a_week["summary"]["total_hours"], abs=1e-5)


def test_lengths_add_up_to_the_sessions_and_every_bucket_is_there(a_week):
    lengths = {entry["label"]: entry["sessions"] for entry in a_week["session_lengths"]}
    assert list(lengths)[:3] == ["< 1 minute", "1 minute", "2 minutes"] and len(lengths) == len(LENGTH_EDGES)
    assert (lengths["< 1 minute"], lengths["15 minutes"], lengths["18 hours +"]) == (2, 3, 1)
    assert sum(lengths.values()) == a_week["summary"]["total_sessions"]
    assert a_week["session_lengths"][-1]["to_minutes"] is None


LABELS = (
    "< 1 minute", "1 minute", "2 minutes", "3 minutes", "4 minutes", "5 minutes", "10 minutes", "15 minutes", "20 minutes",
    "30 minutes", "45 minutes", "1 hour", "90 minutes", "2 hours", "3 hours", "4 hours", "5 hours", "6 hours", "8 hours",
    "10 hours", "12 hours", "15 hours", "18 hours +",
)  # fmt: skip


def test_lengths_have_the_labels_of_the_contract():
    assert tuple(map(label, LENGTH_EDGES, (*LENGTH_EDGES[1:], None))) == LABELS


def test_other_edges_get_labels_likewise():
    assert [label(0, 30), label(30, 1440), label(1440, None)] == [
        "< 30 minutes",
        "30 minutes",
        "24 hours +",
    ]


def test_values_of_a_dimension_stand_high_to_low_and_none_is_missing(a_day):
    assert [value["value"] for value in a_day["dimensions"]["player"]] == ["Sonos", "VLC"]
    assert [value["value"] for value in a_day["dimensions"]["source"]] == ["direct", "a.example", "b.example"]
    assert {name for name, values in a_day["dimensions"].items() if not values} == set(dimensions.NAMES) - {
        "player",
        "source",
    }


def test_what_is_not_counted_is_told_by_reason(a_week):
    assert a_week["excluded"] == {"bot": 3, "no_media": 1}


@pytest.mark.parametrize(
    ("through", "status", "shown"),
    [
        ("2001-01-15 12:00", "provisional", "2001-01-15T14:00:00+02:00"),
        ("2001-01-15 22:00", "provisional", "2001-01-16T00:00:00+02:00"),
        ("2001-01-16 21:59", "provisional", "2001-01-16T00:00:00+02:00"),
        ("2001-01-16 22:00", "final", "2001-01-16T00:00:00+02:00"),
    ],
)
def test_a_period_is_final_a_while_after_everything_arrived(figures, through, status, shown):
    status_then = DataStatus(utc(through), timedelta(hours=24))
    document = rollup.rollup(CONTEXT, "*", CALENDAR.day(MONDAY), figures, status_then)
    assert (document["status"], document["complete_through"]) == (status, shown)


# --- revisions -------------------------------------------------------------------------------------------------------


def test_a_first_document_has_revision_one_and_the_time_of_its_making(a_day):
    first = rollup.revised(a_day, None, NOW)
    assert (first["revision"], first["generated_at"]) == (1, "2001-01-16T12:30:00+00:00")


def test_what_is_the_same_is_not_written_again(a_day):
    assert rollup.revised(deepcopy(a_day), published(a_day), NOW + timedelta(days=1)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["summary"].update(total_sessions=6),
        lambda d: d["summary"].update(peak_at=None),
        lambda d: d["numbers"][3].update(total_hours=0.000001),
        lambda d: d["excluded"].update(monitor=1),
        lambda d: d["dimensions"]["player"].pop(),
        lambda d: d["session_lengths"][0].update(sessions=3),
        lambda d: d["contract"].update(hash="0123456789ab"),
    ],
)
def test_a_number_that_changed_raises_the_revision(a_day, change):
    old = {**published(a_day), "revision": 4}
    change(a_day)
    new = rollup.revised(a_day, old, NOW + timedelta(hours=1))
    assert (new["revision"], new["generated_at"]) == (5, "2001-01-16T13:30:00+00:00")


@pytest.mark.parametrize("change", [{"status": "final"}, {"complete_through": "2001-01-15T15:00:00+02:00"}])
def test_what_is_only_said_of_the_numbers_is_written_without_a_new_revision(a_day, change):
    old = {**published(a_day), "revision": 4}
    assert rollup.revised({**a_day, **change}, old, NOW)["revision"] == 4


def test_a_document_is_text_that_people_can_read(a_day):
    encoded = json_text.encoded({**rollup.revised(a_day, None, NOW), "tenant": "Künstler"})
    assert "Künstler".encode() in encoded and encoded.endswith(b"}\n")
    assert len(encoded.splitlines()) > 60 and max(map(len, encoded.splitlines())) < 400  # an hour a line


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=3), _JSON, max_size=4))
def test_whatever_a_document_holds_is_read_back_as_it_was(document):
    assert json.loads(json_text.encoded(document)) == document


def test_a_period_within_which_the_keys_of_listeners_changed_says_so(figures):
    monthly = RollupContext("acme", CALENDAR, {**CONTEXT.contract, "key_rotation": "monthly"}, LENGTH_EDGES)
    [day_of, _, _, year] = [rollup.rollup(monthly, "*", p, figures, DATA_STATUS) for p in CALENDAR.named(MONDAY)]
    assert year["summary"]["crosses_epoch"] is True and "crosses_epoch" not in day_of["summary"]
    CHECK.validate(rollup.revised(year, None, NOW))
