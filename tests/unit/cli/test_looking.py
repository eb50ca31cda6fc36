"""Looking at tables and at listening, from files alone."""

from __future__ import annotations

import base64
import csv
import io
import json

import polars as pl
import pytest
from deltalake import write_deltalake
from rich.console import Console

from metrics_lake.arrow import arrow_schema, fitted
from metrics_lake.bronze.haproxy import TABLE
from metrics_lake.cli.rows import grid, write
from metrics_lake.io.cosmos import CosmosDocuments
from metrics_lake.io.documents import SqliteDocuments
from metrics_lake.serve import listening
from metrics_lake.sources.haproxy import SOURCE
from tests.unit.drawing import day
from tests.unit.io.cosmos_double import Fault, serving
from tests.unit.serve.samples import CALENDAR, days, hour
from tests.unit.serve.test_listening import STANDING, sketch
from tests.unit.sources.haproxy.logs import SECRET, Arrived, line, rules_of, text

DAYS = """
    on         | started | active | seconds | unique | peak | peak_at             | excluded
    2001-01-15 | 1200    | 1201   | 7200    | 3      | 1100 | 2001-01-15 10:15:00 | {bot: 2}
    2001-01-16 | 4       | 5      | 3600    | 2      | 2    | 2001-01-16 22:30:00 | {}
    """


@pytest.fixture
def published(world):
    """The world with two days and an hour of documents."""
    rows = [{**row, "unique_sketch": sketch("abc")} for row in days(DAYS)]
    found = [listening.day_document("acme", row, CALENDAR, STANDING) for row in rows]
    found.append(listening.hour_document("acme", hour("2001-01-15 10:00", started=3, unique=2, peak=2), STANDING))
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
    ("hour", ["2001-01-15T10:00:00Z"]), ("week", ["2001-W03"]), ("month", ["2001-01"]),
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
        listening.day_document("acme", {**row, "stream": stream, "unique_sketch": sketch(who)}, CALENDAR, STANDING)
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
        put = [listening.day_document("acme", row, CALENDAR, STANDING) for row in rows]
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


@pytest.fixture
def filled(world, monkeypatch):
    """The world with a bronze table: two hours of two proxies, one of them with a gap, and one file twice."""
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    good = text([line(0, agent="=cmd(), not VLC"), line(3, "/nobody/x"), "nonsense", ""])
    files = [
        Arrived(good, "haproxy/edge-01/10.log"),
        Arrived(text([line(7200)]), "haproxy/edge-01/12.log"),
        Arrived(text([line(10)]), "haproxy/edge-02/10.log"),
        Arrived(good, "haproxy/edge-01/again.log", is_duplicate=True),
    ]
    schema = arrow_schema(TABLE)
    for frame in SOURCE.parse(files, rules_of()):
        write_deltalake("data/lake/bronze/haproxy", fitted(frame, schema), mode="append", schema_mode="merge")
    return world


def test_a_table_is_shown_newest_first(filled):
    found = [
        json.loads(each)["path"] for each in filled.run("show", "bronze.files", "--format", "json").out.splitlines()
    ]
    assert found[0] == "haproxy/edge-01/12.log" and len(found) == 4


def test_a_table_has_its_name_its_columns_and_its_rows(filled):
    ended = filled.run("show", "bronze.rejects")
    assert (ended.code, ended.err) == (0, "")
    assert all(word in ended.out for word in ("bronze.rejects", "masked_text", "no_request", "nonsense"))


def test_a_table_tells_the_size_of_a_sketch_and_not_its_bytes(run, capsys):
    Console(width=80).print(
        grid(pl.DataFrame({"unique_sketch": [b"x" * 1234], "on_day": [day("2001-01-15")]}), "title")
    )
    shown = capsys.readouterr().out
    assert "1,234 bytes" in shown and "7878" not in shown and "2001-01-15" in shown


def test_rows_as_json_are_one_object_a_line(filled):
    found = [json.loads(each) for each in filled.run("show", "bronze.rejects", "--format", "json").out.splitlines()]
    assert [(row["line_number"], row["reason"], row["masked_text"]) for row in found] == [(3, "no_request", "nonsense")]


def test_rows_as_csv_hold_lists_as_json(filled):
    found = list(csv.DictReader(io.StringIO(filled.run("show", "bronze.visits", "--format", "csv").out)))
    assert {row["offsets_ms"] for row in found} == {"[0]"} and len(found) == 3
    assert found[0]["first_at"] == "2001-01-15T14:00:00.000Z"


def test_a_limit_limits_the_rows(filled):
    assert len(filled.run("show", "bronze.visits", "--format", "json", "--limit", "2").out.splitlines()) == 2


def test_a_view_shows_its_own_rows_and_columns_alone(filled):
    [row] = [json.loads(each) for each in filled.run("show", "bronze.unclaimed", "--format", "json").out.splitlines()]
    assert (row["frontend"], row["path_start"], row["line_count"]) == ("fe", "/nobody", 1) and "masked_text" not in row


@pytest.mark.parametrize("text", ["=1+1", "+1", "@x", "-1", "\tx", "\rx"])
def test_no_text_in_csv_can_be_run_by_a_spreadsheet(world, text):
    from rich.console import Console

    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdout", out)
        write(pl.DataFrame({"a": [text], "b": [1]}), "csv", Console())
    assert next(csv.DictReader(io.StringIO(out.getvalue(), newline="")))["a"] == f"'{text}"


def test_completeness_shows_that_every_line_stands_in_one_account(filled):
    ended = filled.run("audit", "completeness", "--format", "json")
    told = {row["path"]: row for row in map(json.loads, ended.out.splitlines())}
    assert ended.code == 0 and all(row["adds_up"] for row in told.values())
    first = told["haproxy/edge-01/10.log"]
    counts = [first[f"{name}_count"] for name in ("line", "accepted", "reject", "unclaimed", "skipped")]
    assert counts == [4, 1, 1, 1, 1]


def test_completeness_shows_the_hours_of_each_proxy_and_how_far_data_is_complete(filled):
    out = filled.run("audit", "completeness").out
    assert "hours by proxy" in out and "edge-02" in out
    assert "complete through 2001-01-15 12:00:00+00:00" in out


def test_completeness_tells_lost_and_doubled_lines_where_haproxy_numbers_them(world, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    numbered = text([f"{line(n)} 4037 {n} {979560000 + n}.003 -" for n in (1, 2, 3, 5, 5)])
    schema = arrow_schema(TABLE)
    for frame in SOURCE.parse([Arrived(numbered)], rules_of()):
        write_deltalake("data/lake/bronze/haproxy", fitted(frame, schema), mode="append", schema_mode="merge")
    out = world.run("audit", "completeness").out
    assert "lines by the numbers that HAProxy gives them" in out
    assert all(share in out for share in ("20.00%", "25.00%"))


def test_lines_that_do_not_add_up_are_an_error(filled):
    broken = pl.read_delta("data/lake/bronze/haproxy").with_columns(line_count=pl.col("line_count") + 1)
    write_deltalake("data/lake/bronze/haproxy", broken.to_arrow(), mode="overwrite")
    assert filled.run("audit", "completeness").code == 1
