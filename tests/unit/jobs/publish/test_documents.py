"""Documents of hours, days and longer periods, written from gold into whichever store there is; no Spark."""

from __future__ import annotations

import base64
from datetime import timedelta

import polars as pl
import pytest

from metrics_lake.config.settings import Settings, Storage
from metrics_lake.config.tenants import Tenants
from metrics_lake.gold import listening_by_day, listening_by_hour
from metrics_lake.io.documents.cosmos import CosmosDocuments
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import documents
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.rollup.gold_rows import LISTENING_BY_DAY, LISTENING_BY_PERIOD, GoldRows
from tests.unit.drawing import day, utc
from tests.unit.io.cosmos_double import serving
from tests.unit.serve.samples import CALENDAR, bucket, hour
from tests.unit.serve.test_listening import sketch

DATA_STATUS = DataStatus(utc("2001-02-16 12:00"), timedelta(hours=24))
DAYS = [day("2001-01-15") + timedelta(days=number) for number in range(16)]
PROGRESS = Progress("compute", {"silver.sessions": 1}, "rules", ())
_STREAMS = {"live": {"protocol": "hls", "match": {"path": "/live/*"}}}
TENANTS = Tenants.model_validate(
    {
        "tenants": {
            name: {"name": name, "timezone": CALENDAR.timezone, "streams": _STREAMS} for name in ("acme", "other")
        }
    }
)


@pytest.fixture
def work(tmp_path) -> JobContext:
    """Gold with sixteen days of two tenants, one hour each, and a stream beside the whole."""
    made = JobContext(Settings(storage=Storage(lake=str(tmp_path / "lake"))), TENANTS, lambda step: None)
    fill(made, DAYS)
    return made


def fill(work: JobContext, days, **figures) -> None:
    """Rows of gold for these days in place of all that there are."""
    named = [(tenant, stream, on) for tenant in ("acme", "other") for stream in ("*", "live") for on in days]
    own = {
        "unique": 2,
        "unique_sketch": sketch("ab"),
        "started": 3,
        "excluded": [{"key": "bot", "value": 1}],
        **figures,
    }
    by_day = [bucket(tenant=t, stream=s, listened_on=on, **own) for t, s, on in named]
    by_hour = [
        {**hour(CALENDAR.day_start(on) + timedelta(hours=9), **own), "tenant": t, "stream": s} for t, s, on in named
    ]
    for table, rows in ((listening_by_day.TABLE, by_day), (listening_by_hour.TABLE, by_hour)):
        known = [{name: row[name] for name in table.names} for row in rows]
        work.delta_tables.replace(table, pl.DataFrame(known, infer_schema_length=None), "TRUE", PROGRESS)


@pytest.fixture(params=["sqlite", "cosmos"])
def store(request, tmp_path):
    if request.param == "sqlite":
        yield SqliteDocuments(str(tmp_path / "documents.db"))
        return
    with serving() as account:
        yield CosmosDocuments(account.address, "metrics", base64.b64encode(b"k" * 64).decode())


def held(store, tenant: str = "acme") -> dict[str, dict]:
    return {each["id"]: each for each in store.between("listening", tenant, "", "~")}


def test_every_day_and_hour_of_a_tenant_has_its_document_and_no_other_tenant_has(work, store):
    documents.write_days(work, store, "acme", DAYS, DATA_STATUS)
    found = held(store)
    assert len(found) == 2 * 2 * len(DAYS) and not held(store, "other")
    assert found["live:day:2001-01-30"]["unique_sketch"] and found["*:hour:2001-01-15T07:00:00Z"]["revision"] == 1
    assert found["*:day:2001-01-15"]["excluded"] == {"bot": 1}


def test_writing_again_writes_nothing_and_a_change_writes_what_changed(work, store):
    documents.write_days(work, store, "acme", DAYS, DATA_STATUS)
    before, calls = held(store), []
    put = store.upsert
    store.upsert = lambda container, changed: calls.extend(each["id"] for each in changed) or put(container, changed)
    documents.write_days(work, store, "acme", DAYS, DATA_STATUS)
    assert calls == [] and held(store) == before
    fill(work, DAYS, peak=7)
    documents.write_days(work, store, "acme", DAYS[3:4], DATA_STATUS)
    assert sorted(calls) == ["*:day:2001-01-18", "*:hour:2001-01-18T07:00:00Z", "live:day:2001-01-18",
                             "live:hour:2001-01-18T07:00:00Z"]  # fmt: skip
    assert {each["revision"] for each in held(store).values() if each["id"] in calls} == {2}


def test_days_that_have_nothing_any_more_lose_their_documents_and_others_keep_theirs(work, store):
    documents.write_days(work, store, "acme", DAYS, DATA_STATUS)
    fill(work, [DAYS[0], *DAYS[9:]])
    documents.write_days(work, store, "acme", DAYS[:5], DATA_STATUS)
    starts = sorted(each["start"] for each in held(store).values() if each["grain"] == "day" and each["stream"] == "*")
    assert starts == [str(on) for on in (DAYS[0], *DAYS[5:])]


def test_no_more_than_a_week_of_days_is_held_at_once(work, store, monkeypatch):
    asked = []
    read = documents._rows
    monkeypatch.setattr(documents, "_rows", lambda *given: asked.append(given[-1]) or read(*given))
    documents.write_days(work, store, "acme", DAYS, DATA_STATUS)
    assert max(map(len, asked)) == 7 and [on for days in asked[::2] for on in days] == DAYS


def gold_of(days) -> GoldRows:
    """The rows of rollups of one stream that has these days."""
    gold = GoldRows()
    gold.add(LISTENING_BY_DAY, [bucket(listened_on=on, started=1) for on in days])
    return gold


def test_longer_periods_have_documents_that_go_when_their_days_do(store):
    gold = gold_of(DAYS[:7])
    week, later = CALENDAR.week(DAYS[0]), CALENDAR.week(DAYS[7])
    rolling = CALENDAR.rolling("last-7-days", DAYS[6])
    named = {"tenant": "acme", "stream": "*", "unique_listeners": 5}
    gold.add(LISTENING_BY_PERIOD, [{**named, "kind": each.kind, "name": each.name} for each in (week, rolling)])
    periods = [CALENDAR.day(DAYS[0]), week, later, rolling]
    documents.write_periods(store, "acme", periods, gold, DATA_STATUS)
    assert {id_: each["unique_listeners"] for id_, each in held(store).items()} == {
        "*:week:2001-W03": 5, "*:rolling:last-7-days": 5,
    }  # fmt: skip
    assert held(store)["*:week:2001-W03"]["total_sessions"] == 7
    documents.write_periods(store, "acme", [week], gold_of(DAYS[1:7]), DATA_STATUS)
    assert (held(store)["*:week:2001-W03"]["total_sessions"], held(store)["*:week:2001-W03"]["revision"]) == (6, 2)
    documents.write_periods(store, "acme", [week], gold_of(DAYS[8:9]), DATA_STATUS)
    assert list(held(store)) == ["*:rolling:last-7-days"]
