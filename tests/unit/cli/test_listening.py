"""`listening`: any range of days or hours, from the documents alone."""

from __future__ import annotations

import base64
import csv
import io
import json
from datetime import date, timedelta

import pytest

from metrics_lake.cli.output import line_chart
from metrics_lake.cli.screens.listening_answer import clock_words
from metrics_lake.coverage.covered import Covered
from metrics_lake.io.documents.cosmos import CosmosDocuments
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.serve import listening
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.query import Answer
from metrics_lake.serve.sums import summary
from tests.unit.drawing import day
from tests.unit.io.cosmos_double import Fault, serving
from tests.unit.serve.samples import CALENDAR, days, hour
from tests.unit.serve.test_listening import DATA_STATUS, sketch

DAYS = """
    on         | started | active | seconds | unique | peak | peak_at             | excluded
    2001-01-15 | 1200    | 1201   | 7200    | 3      | 1100 | 2001-01-15 10:15:00 | {bot: 2}
    2001-01-16 | 4       | 5      | 3600    | 2      | 2    | 2001-01-16 22:30:00 | {}
    """


@pytest.fixture
def published(world):
    """The world with two days and an hour of documents."""
    rows = [{**row, "unique_sketch": sketch("abc")} for row in days(DAYS)]
    found = [listening.day_document("acme", row, CALENDAR, DATA_STATUS) for row in rows]
    found.append(listening.hour_document("acme", hour("2001-01-15 10:00", started=3, unique=2, peak=2), DATA_STATUS))
    SqliteDocuments("data/documents.db").upsert(listening.CONTAINER, found)
    return world


def listen(world, *more: str):
    return world.run("listening", "--tenant", "acme", "--from", "2001-01-15", "--to", "2001-01-16", *more)


def test_listening_is_a_total_a_table_and_a_chart(published):
    ended = listen(published)
    assert ended.code == 0 and ended.err == ""
    assert "1,204 sessions · 3.0 hours · 3 unique listeners · peak 1,100 at 2001-01-15 12:15" in ended.out
    assert "2 sessions not counted (bot 2)" in ended.out
    assert "2001-01-16" in ended.out and "average" in ended.out and any("⠀" < letter <= "⣿" for letter in ended.out)


def test_listening_as_json_has_all_that_the_table_has(published):
    answer = json.loads(listen(published, "--format", "json").out)
    assert (answer["tenant"], answer["stream"], answer["by"]) == ("acme", "*", "day")
    assert answer["total"]["unique_listeners"] == {"value": 3, "method": "exact", "relative_error": 0.0}
    assert [bucket["start"] for bucket in answer["buckets"]] == ["2001-01-15", "2001-01-16"]


def test_listening_as_csv_is_one_row_a_bucket(published):
    found = list(csv.DictReader(io.StringIO(listen(published, "--format", "csv").out)))
    assert [(row["start"], row["total_sessions"], row["unique_listeners"]) for row in found] == [
        ("2001-01-15", "1200", "3"),
        ("2001-01-16", "4", "2"),
    ]


@pytest.mark.parametrize(("by", "starts"), [
    ("hour", ["2001-01-15T12:00:00+02:00"]), ("week", ["2001-W03"]), ("month", ["2001-01"]),
])  # fmt: skip
def test_listening_may_be_told_by_other_stretches_of_time(published, by, starts):
    answer = json.loads(listen(published, "--format", "json", "--by", by).out)
    assert [bucket["start"] for bucket in answer["buckets"]] == starts


def test_listening_may_be_asked_for_whole_hours_on_the_tenant_s_clock(published):
    hours = ("listening", "--tenant", "acme", "--from", "2001-01-15T12:00", "--to", "2001-01-15T13:00")
    answer = json.loads(published.run(*hours, "--by", "hour", "--format", "json").out)
    assert (answer["start"], answer["end"]) == ("2001-01-15T12:00:00+02:00", "2001-01-15T13:00:00+02:00")
    assert answer["total"]["total_sessions"] == 3 and len(answer["buckets"]) == 1
    assert "2001-01-15 12:00 to 2001-01-15 13:00" in published.run(*hours).out


def test_who_is_new_is_told_in_all_three_forms(published):
    since = ("--new-since", "2001-01-01")
    answer = json.loads(listen(published, *since, "--format", "json").out)
    assert answer["total"]["new_listeners"]["value"] == 3 and answer["buckets"][1]["returning_listeners"]["value"] == 2
    assert "3 unique listeners · 3 new listeners · 0 returning listeners" in listen(published, *since).out
    found = list(csv.DictReader(io.StringIO(listen(published, *since, "--format", "csv").out)))
    assert [(row["new_listeners"], row["returning_listeners"]) for row in found] == [("3", "0"), ("0", "2")]


def test_several_streams_have_no_peak_together(published):
    found = [
        listening.day_document("acme", {**row, "stream": stream, "unique_sketch": sketch(who)}, CALENDAR, DATA_STATUS)
        for row in days(DAYS)
        for stream, who in (("live", "ab"), ("fm", "bc"))
    ]
    SqliteDocuments("data/documents.db").upsert(listening.CONTAINER, found)
    both = ("--stream", "live", "--stream", "fm")
    out = listen(published, *both).out
    assert "3 unique listeners · no peak of several streams together" in out and "–" in out
    assert listen(published, *both, "--format", "csv").out.splitlines()[1].count(",,") == 1


def test_keys_that_changed_within_a_range_are_told(published):
    out = listen(published, "--set", "privacy.key_rotation=daily").out
    assert "keys changed within this range: a listener counts once in each of their epochs" in out


def test_listening_reads_whichever_store_the_settings_name(world, monkeypatch):
    key = base64.b64encode(b"a key that nobody sees" * 3).decode()
    monkeypatch.setenv("METRICS_LAKE_COSMOS_KEY", key)
    rows = [{**row, "unique_sketch": sketch("abc")} for row in days(DAYS)]
    with serving() as account:
        chosen = ("--set", "documents.store=cosmos", "--set", f"documents.endpoint={account.address}")
        put = [listening.day_document("acme", row, CALENDAR, DATA_STATUS) for row in rows]
        CosmosDocuments(account.address, "metrics", key).upsert(listening.CONTAINER, put)
        right = listen(world, *chosen)
        account.faults["GET account"] = [Fault(401) for _ in range(18)]
        refused, story = listen(world, *chosen), listen(world, *chosen, "--debug")
    assert right.code == 0 and "1,204 sessions · 3.0 hours · 3 unique listeners" in right.out
    assert refused.code == 1 and refused.err.count("\n") == 1 and "refuses the key" in refused.err
    assert "Traceback" in story.err and key not in story.err + refused.err + right.out


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_range_without_listening_is_empty_and_no_error(world, form):
    ended = listen(world, "--format", form)
    assert (ended.code, ended.err) == (0, "")
    assert form != "table" or "nothing of acme (*) from 2001-01-15 to 2001-01-16" in ended.out
    assert form != "table" or "published of acme: nothing yet" in ended.out


def test_a_range_without_listening_says_which_days_there_are(published):
    period = CALENDAR.all(date(2001, 1, 15), date(2001, 1, 16))
    figures = {"total_sessions": 1, "peak_at": None, "unique_listeners": 1}
    document = listening.period_document("acme", "*", period, figures, DATA_STATUS)
    SqliteDocuments("data/documents.db").upsert(listening.CONTAINER, [document])
    ended = published.run("listening", "--tenant", "acme", "--from", "1999-01-01", "--to", "1999-01-02")
    assert "published of acme: 2001-01-15 to 2001-01-16" in ended.out
    assert "--tenant acme --from 2001-01-15 --to 2001-01-16" in published.run("listening").out


@pytest.mark.parametrize(
    ("zone", "row", "heading"),
    [
        ("Africa/Johannesburg", "2001-01-15 12:00 +02:00", "Africa/Johannesburg (UTC+02:00)"),
        ("Asia/Kathmandu", "2001-01-15 15:45 +05:45", "Asia/Kathmandu (UTC+05:45)"),
    ],
)
def test_hours_are_shown_on_the_tenant_s_clock_with_its_offset(published, zone, row, heading):
    tenants = published.folder / "conf" / "tenants.yaml"
    tenants.write_text(tenants.read_text().replace("Africa/Johannesburg", zone))
    out = listen(published, "--by", "hour").out
    assert row in out and heading in out and "T10:00:00Z" not in out


def test_a_range_over_a_change_of_the_clock_names_both_offsets():
    answer = Answer(
        "acme", "*", "", "2001-03-24T00:00:00+01:00", "2001-03-26T00:00:00+02:00", "hour", "Europe/Berlin", {}, [], {}
    )
    assert clock_words(answer) == "Europe/Berlin (UTC+01:00 and UTC+02:00)"


@pytest.mark.parametrize(("width", "is_beside"), [(60, False), (80, False), (160, True)])
def test_the_chart_stands_beside_the_table_where_there_is_room_and_uses_the_width(
    published, monkeypatch, width, is_beside
):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = listen(published).out.splitlines()
    assert max(map(len, lines)) in range(width - 12, width + 1)
    assert any("2001-01-15  " in line and "│" in line for line in lines) == is_beside


@pytest.fixture
def covered(published):
    """The published world, of which the first day came whole and half of the second."""
    day_starts = [CALENDAR.day_start(day(f"2001-01-{on}")) for on in (15, 16)]
    status = DataStatus(day_starts[1], timedelta(hours=24), known={
        "acme": Covered(((day_starts[0], day_starts[1] + timedelta(hours=12)),))
    })  # fmt: skip
    period = CALENDAR.all(day("2001-01-15"), day("2001-01-16"))
    document = listening.period_document("acme", "*", period, summary([], unique_listeners=3, seconds=1), status)
    SqliteDocuments("data/documents.db").upsert(listening.CONTAINER, [document])
    return published


def test_a_day_of_which_nothing_is_known_is_a_dash_and_null_and_nothing(covered):
    out = listen(covered, "--to", "2001-01-17").out
    assert "provisional, complete through 2001-01-16 00:00; logs cover 36 of 72 hours" in out
    [row] = [line for line in out.splitlines() if line.strip().startswith("2001-01-17")]
    assert row.split()[1:6] == ["–"] * 5
    unknown = json.loads(listen(covered, "--to", "2001-01-17", "--format", "json").out)["buckets"][2]
    assert unknown["total_sessions"] is unknown["average_listeners"] is unknown["unique_listeners"]["value"] is None
    *_, row = csv.DictReader(io.StringIO(listen(covered, "--to", "2001-01-17", "--format", "csv").out))
    assert (row["total_sessions"], row["unique_listeners"], row["covered_seconds"]) == ("", "", "0")


def test_of_a_day_on_which_nobody_listened_every_hour_that_came_is_zero(covered):
    answer = json.loads(listen(covered, "--by", "hour", "--format", "json").out)
    assert [each["total_sessions"] for each in answer["buckets"]][22:26] == [0, 0, 0, 0]
    assert [each["total_sessions"] for each in answer["buckets"]][-12:] == [None] * 12


def test_a_chart_breaks_off_where_nothing_is_known():
    parts = line_chart._known_parts([None, 1, 2, None, None, 0.0])
    assert parts == [[(1, 1), (2, 2)], [(5, 0.0)]]
