"""A lost hour is waited for, then given up by the clock that publish is given, and restated if it comes after all. No Spark."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from metrics_lake.bronze import haproxy
from metrics_lake.config.settings import rules
from metrics_lake.config.tenants import Tenants
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.io.storage.blobs import FolderBlobs
from metrics_lake.jobs import read_coverage
from metrics_lake.jobs.compute import compute
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish.plan import NOTE
from metrics_lake.jobs.publish.publish import Published, publish
from metrics_lake.jobs.read_covered import first_hours
from metrics_lake.jobs.refine import refine
from metrics_lake.serve.listening import CONTAINER
from metrics_lake.serve.query import ListeningQuery
from tests.unit import standing
from tests.unit.drawing import utc
from tests.unit.jobs.lakes import work_of
from tests.unit.sources.haproxy.logs import NOON, SECRET, TENANTS, line, text

H, S = timedelta(hours=1), timedelta(seconds=1)
AFTER = utc("2001-01-15 17:00")
LOST = utc("2001-01-15 14:00")  # the hour that doesn't come
GIVEN_UP = LOST + H + 72 * H


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def arrive(work: JobContext, hours: Sequence[int], lines: dict[int, list[str]] | None = None) -> JobContext:
    """Files of these hours after noon, in batches of their own, by default with half a minute of listening each."""
    for hour in hours:
        content = text((lines or {}).get(hour, [line(hour * 3600 + n, timers="0/0/1/5/10000") for n in (600, 620)]))
        path = f"haproxy/edge-01/haproxy.log-{NOON + (hour + 1) * H:%Y%m%d-%H}"
        number, own = work.intake(haproxy.FEED).committed, rules(work.settings, work.tenants)
        standing.take_in(Path(work.settings.storage.lake), number, content, path, own)
    refine(work)
    compute(work)
    return work


@pytest.fixture
def work(tmp_path: Path) -> JobContext:
    """Noon to 16:00 without the hour from 14:00."""
    return arrive(work_of(tmp_path, TENANTS, {}), [0, 1, 3])


def rollup(work: JobContext, name: str = "day/2001-01-15", stream: str = "_all") -> dict[str, Any]:
    tenant = next(iter(work.tenants.tenants))
    document: dict[str, Any] = json.loads(
        Path(work.settings.storage.rollups, tenant, stream, f"{name}.json").read_bytes()
    )
    return document


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_lost_hour_holds_what_is_complete_until_it_is_given_up(work):
    for now, through in ((AFTER, LOST), (GIVEN_UP - S, LOST), (GIVEN_UP, utc("2001-01-15 16:00"))):
        publish(work, lambda now=now: now)
        assert instant(rollup(work)["complete_through"]) == through


def test_between_the_two_a_publish_with_nothing_new_reads_no_rollup_and_asks_nothing_of_what_came(work, monkeypatch):
    publish(work, lambda: AFTER)
    reads, read = list[str](), FolderBlobs.read
    monkeypatch.setattr(FolderBlobs, "read", lambda blobs, path: reads.append(path) or read(blobs, path))
    monkeypatch.setattr(read_coverage, "_coverage", None)
    for now in (AFTER + H, GIVEN_UP - S):
        assert publish(work, lambda now=now: now) == Published()
    assert NOTE in reads and not [path for path in reads if path.startswith("acme/")]


def test_once_it_is_given_up_a_publish_writes_anew_and_the_next_one_does_nothing(work):
    publish(work, lambda: AFTER)
    assert publish(work, lambda: GIVEN_UP).written > 0
    assert publish(work, lambda: GIVEN_UP + 1000 * H) == Published()


def test_giving_up_changes_no_number_and_so_no_revision(work):
    publish(work, lambda: AFTER)
    publish(work, lambda: GIVEN_UP)
    assert rollup(work)["revision"] == 1


def test_what_holds_a_lost_hour_becomes_final_with_less_covered_than_there_is(work):
    arrive(work, range(12 + 24, 12 + 48))
    publish(work, lambda: AFTER)
    day = rollup(work)
    assert (day["status"], day["summary"]["covered_seconds"]) == ("provisional", 3 * 3600)
    publish(work, lambda: GIVEN_UP + 48 * H)
    day = rollup(work)
    assert (day["status"], day["summary"]["covered_seconds"], day["summary"]["seconds"]) == ("final", 10_800, 86_400)


def test_an_hour_that_comes_after_all_is_restated(work, tmp_path):
    publish(work, lambda: GIVEN_UP)
    before = rollup(work)
    publish(arrive(work, [2]), lambda: GIVEN_UP + H)
    after = rollup(work)
    assert (after["revision"], after["summary"]["covered_seconds"]) == (2, before["summary"]["covered_seconds"] + 3600)
    [lost] = [entry for entry in after["numbers"] if instant(entry["start"]) == LOST]
    assert (lost["total_sessions"], lost["covered_seconds"]) == (1, 3600)


def test_an_empty_file_of_the_lost_hour_makes_it_zero(work):
    publish(work, lambda: GIVEN_UP)
    publish(arrive(work, [2], {2: []}), lambda: GIVEN_UP + H)
    [lost] = [entry for entry in rollup(work)["numbers"] if instant(entry["start"]) == LOST]
    assert (lost["total_sessions"], lost["covered_seconds"]) == (0, 3600)
    [document] = SqliteDocuments(work.settings.documents.path).between(CONTAINER, "acme", "*:day:", "*:day:~")
    assert document["covered_seconds"] == 4 * 3600


def test_hours_that_did_not_come_are_null_and_the_average_is_of_those_that_did(work):
    publish(work, lambda: AFTER)
    day, month = rollup(work), rollup(work, "month/2001-01")
    sessions = {entry["start"][11:13]: entry["total_sessions"] for entry in day["numbers"]}
    assert {hour: number for hour, number in sessions.items() if number is not None} == {"12": 1, "13": 1, "15": 1}
    assert day["summary"]["average_listeners"] == round(day["summary"]["total_hours"] / 3, 6)
    assert day["summary"]["average_listeners"] == month["summary"]["average_listeners"]
    assert [entry["total_sessions"] for entry in month["numbers"]].count(None) == 30


def test_rolling_periods_end_with_the_last_day_that_came_whatever_is_lost_before(work):
    arrive(work, [40])
    publish(work, lambda: AFTER)
    assert rollup(work, "rolling/last-7-days")["period"]["end"] == "2001-01-18T00:00:00+00:00"
    assert instant(rollup(work, "rolling/last-7-days")["complete_through"]) == LOST


def test_a_day_whose_files_are_empty_moves_rolling_periods_though_no_session_changes(work):
    publish(arrive(work, range(12, 14), {12: [], 13: []}), lambda: AFTER)
    assert rollup(work, "rolling/last-7-days")["period"]["end"] == "2001-01-17T00:00:00+00:00"


@pytest.mark.parametrize("order", [[0, 1, 3, 40], [3, 40, 1, 0], [40, 0, 3, 1]])
def test_what_is_published_file_by_file_is_what_is_published_at_once(order, tmp_path):
    """And the first line of the tenant comes last, once."""
    one = work_of(tmp_path / "one", TENANTS, {})
    for hour in order:
        publish(arrive(one, [hour]), lambda: AFTER)
    publish(one, lambda: GIVEN_UP)
    other = arrive(work_of(tmp_path / "other", TENANTS, {}), [0, 1, 3, 40])
    publish(other, lambda: GIVEN_UP)
    assert contents(one) == contents(other)


def contents(work: JobContext) -> dict[str, Any]:
    root = Path(work.settings.storage.rollups)
    rollups = {path.relative_to(root).as_posix(): json.loads(path.read_bytes()) for path in root.glob("*/*/*/*.json")}
    store = SqliteDocuments(work.settings.documents.path)
    every = {**rollups, **{each["id"]: each for each in store.between(CONTAINER, "acme", "", "~")}}
    of_a_run = ("generated_at", "revision")
    return {place: {k: v for k, v in each.items() if k not in of_a_run} for place, each in every.items()}


def test_another_patience_is_another_rule(work):
    publish(work, lambda: AFTER)
    hasty = work.settings.model_copy(update={"publish": work.settings.publish.model_copy(update={"give_up_hours": 1})})
    publish(replace(work, settings=hasty), lambda: AFTER)
    assert instant(rollup(work)["complete_through"]) == utc("2001-01-15 16:00")


# --- listening that reaches into a lost hour, on clocks of other minutes ----------------------------------------------

LONG = {  # from 12:30 to 15:30, logged when it ended; noon has a line, so that it is the tenant's first hour
    0: [line(60, "/acme.mp3", timers="0/0/1/5/1000")],
    1: [],
    3: [line(1800, "/acme.mp3", timers=f"0/0/1/5/{3 * 3600 * 1000}", address="192.0.2.9")],
}


@pytest.mark.parametrize("zone", ["UTC", "Africa/Johannesburg", "Asia/Kathmandu", "Asia/Kolkata"])
def test_an_average_leaves_out_listening_that_reaches_into_a_lost_hour(zone, tmp_path):
    acme = TENANTS.tenants["acme"].model_copy(update={"timezone": zone})
    work = arrive(work_of(tmp_path, Tenants(tenants={"acme": acme}), {}), [0, 1, 3], LONG)
    publish(work, lambda: AFTER)
    summary = rollup(work)["summary"]
    assert (summary["total_hours"], summary["covered_seconds"]) == (pytest.approx(3 + 1 / 3600), 10_800)
    assert summary["average_listeners"] == pytest.approx((2 * 3600 + 1) / 10_800, abs=1e-6)
    store = SqliteDocuments(work.settings.documents.path)
    documents = store.between(CONTAINER, "acme", "*:hour:", "*:hour:~")
    inside = sum(each["covered_seconds"] * (each["average_listeners"] or 0) for each in documents)
    assert inside == pytest.approx(2 * 3600 + 1, abs=0.1)
    calendar = acme.calendar
    on = calendar.day_of(LOST)
    total = ListeningQuery(store, "acme", calendar, ["*"], calendar.day_start(on), calendar.day_start(on) + 24 * H)
    for by in ("hour", "day"):
        answer = total.answer(by).total
        assert answer["average_listeners"] == summary["average_listeners"]
        assert answer["covered_seconds"] == 10_800


# --- the first line of a tenant ----------------------------------------------------------------------------------------

TWO = Tenants.model_validate({"tenants": {
    name: {"timezone": "UTC", "streams": {"fm": {"protocol": "icecast", "match": {"path": f"/{name}.mp3"}}}} for name in ("acme", "beta")
}})  # fmt: skip


def test_a_tenant_begins_with_the_hour_in_which_its_first_line_was_logged(tmp_path):
    hours = {
        0: [line(60, "/acme.mp3", timers="0/0/1/5/1000")],
        2: [line(600, "/beta.mp3", timers=f"0/0/1/5/{2 * 3600 * 1000}")],  # began at 12:10, logged at 14:10
        3: [line(3 * 3600, "/beta.mp3", timers="0/0/1/5/1000")],
    }
    work = arrive(work_of(tmp_path, TWO, {}), range(5), hours | {1: [], 4: []})
    noon = NOON.replace(tzinfo=timezone.utc)
    assert first_hours(work) == {"acme": noon, "beta": noon + 2 * H}


def test_before_its_first_hour_a_tenant_is_not_covered(tmp_path):
    hours = {0: [line(60, "/beta.mp3", timers="0/0/1/5/1000")], 2: [line(7300, "/acme.mp3", timers="0/0/1/5/1000")]}
    publish(arrive(work_of(tmp_path, TWO, {}), range(4), hours | {1: [], 3: []}), lambda: AFTER)
    shown = {
        entry["start"][11:13]: (entry["total_sessions"], entry["covered_seconds"])
        for entry in json.loads((tmp_path / "rollups/acme/_all/day/2001-01-15.json").read_bytes())["numbers"]
    }
    assert [shown[hour] for hour in ("12", "13", "14", "15", "16")] == [
        (None, 0),
        (None, 0),
        (1, 3600),
        (0, 3600),
        (None, 0),
    ]
