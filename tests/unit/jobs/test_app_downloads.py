"""Downloads in rollups and documents follow what the stores reported, and what apps a tenant has. No Spark."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from metrics_lake.config.tenants import App, Tenants
from metrics_lake.gold import discovery
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.jobs import compute_downloads
from metrics_lake.jobs.backfill import backfill
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import publish_downloads
from metrics_lake.jobs.publish.publish import publish
from metrics_lake.model.metrics import Metric
from metrics_lake.model.tables import Table
from metrics_lake.serve.downloads import CONTAINER
from metrics_lake.silver import downloads as silver
from tests.unit import standing
from tests.unit.drawing import day
from tests.unit.examples import examples
from tests.unit.jobs.publish.test_publish import published, settings, worked_out
from tests.unit.sources.haproxy.logs import SECRET, TENANTS

ONE, OTHER = App(store="google", id="com.a", name="A"), App(store="google", id="com.b", name="B")
FIRST, LISTENED = date(2001, 1, 1), ("2001-01-15", "2001-03-16")
EVERY_MONTH = "month IS NOT NULL"


def with_apps(*apps: App) -> Tenants:
    acme = TENANTS.tenants["acme"].model_copy(update={"apps": apps})
    return Tenants(tenants={"acme": acme})


@pytest.fixture
def work(lake_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobContext:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    return copied(lake_folder, tmp_path)


@pytest.fixture(scope="module")
def lake_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake in which somebody listened on two days two months apart, worked out and not published."""
    folder = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("METRICS_LAKE_SECRET", SECRET)
        standing.write(folder / "lake", 2, hours_apart=60 * 24)
        worked_out(context_of(folder))
    return folder


def context_of(folder: Path) -> JobContext:
    return JobContext(settings(folder, "rollups"), with_apps(ONE, OTHER), lambda step: None)


def copied(lake_folder: Path, folder: Path) -> JobContext:
    shutil.copytree(lake_folder, folder, dirs_exist_ok=True)
    return context_of(folder)


def reported(work: JobContext, told: dict[tuple[str, date], int], days: Iterable[date] | None = None) -> None:
    """What the stores have told in all, of which these days are new; and the figures that come of it."""
    rows = [
        {
            "month": f"{on:%Y-%m}", "downloaded_on": on, "tenant": "acme", "store": "google", "app": app, "country": "*",
            "device": "*", "downloads": number, "downloads_from": "Daily User Installs",
        }
        for (app, on), number in told.items()
    ]  # fmt: skip
    new = days if days is not None else {on for _, on in told}
    progress = Progress("downloads", {"bronze.store_reports": 1}, "", tuple(on.isoformat() for on in new))
    schema = {name: pl.Int64 if name in silver.FIGURES else pl.String for name in silver.TABLE.names}
    frame = pl.DataFrame(rows, schema={**schema, "downloaded_on": pl.Date}, orient="row")
    work.delta_tables.replace(silver.TABLE, frame, EVERY_MONTH, progress)
    compute_downloads.compute(work)


def everything(work: JobContext) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Blobs, and documents of downloads without their revisions."""
    held = open_document_store(work.settings).between(CONTAINER, "acme", "", "~")
    return published(work), [{**document, "revision": 0} for document in held]


def both(work: JobContext) -> None:
    publish_downloads.publish(work)
    publish(work)


def clean(work: JobContext, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    other = replace(work, settings=settings(folder, "clean"))
    both(other)
    return everything(other)


def rollup(work: JobContext, path: str) -> dict[str, Any]:
    held: dict[str, Any] = json.loads((Path(work.settings.storage.rollups) / "acme" / path).read_bytes())
    return held


def of_month(work: JobContext, month: str = "2001-03") -> int | None:
    section = rollup(work, f"_all/month/{month}.json").get("downloads")
    return section["summary"]["downloads"] if section else None


@hypothesis_settings(
    max_examples=examples(3), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["com.a", "com.b"]), st.integers(-20, 90).map(lambda n: FIRST + timedelta(days=n))),
        st.integers(0, 9),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_a_report_of_a_day_on_which_nobody_listened_is_in_every_rollup_that_holds_it_in_one_run_or_in_several(
    lake_folder, monkeypatch, told, random
):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    with TemporaryDirectory() as folder:
        work, keys, so_far = copied(lake_folder, Path(folder)), list(told), dict[tuple[str, date], int]()
        random.shuffle(keys)
        while keys:
            some = [keys.pop() for _ in range(min(len(keys), random.randint(1, 5)))]
            so_far |= {key: told[key] for key in some}
            reported(work, so_far, {on for _, on in some})
            both(work)
        assert everything(work) == clean(work, Path(folder))


def test_a_late_report_reaches_the_month_by_publish_alone(work):
    early, late = ("com.a", day(LISTENED[1])), ("com.a", day("2001-03-03"))
    reported(work, {early: 5})
    both(work)
    assert of_month(work) == 5
    reported(work, {early: 5, late: 7}, [late[1]])
    both(work)
    assert of_month(work) == 12 and rollup(work, "_all/month/2001-03.json")["revision"] == 2
    assert rollup(work, "_all/day/2001-03-16.json")["revision"] == 1


def test_a_backfill_of_a_day_on_which_nobody_listened_mends_the_rollups_that_hold_it(work):
    early, late = ("com.a", day(LISTENED[1])), ("com.a", day("2001-03-03"))
    reported(work, {early: 5, late: 7})
    both(work)
    place = Path(work.settings.storage.rollups) / "acme" / "_all" / "month" / "2001-03.json"
    place.write_text(place.read_text().replace('"downloads": 12', '"downloads": 5'))
    backfill(work, [late[1]])
    assert of_month(work) == 12


@pytest.mark.parametrize("left", [(OTHER,), ()], ids=["one of two apps", "the last one"])
def test_an_app_that_is_taken_out_takes_its_downloads_along(work, tmp_path, left):
    on = day(LISTENED[0])
    reported(work, {("com.a", on): 5, ("com.b", on): 2, ("com.a", day("2001-01-03")): 1})
    both(work)
    assert of_month(work, "2001-01") == 8
    fewer = JobContext(work.settings, with_apps(*left), lambda step: None)
    reported(fewer, {("com.b", on): 2} if left else {}, [on, day("2001-01-03")])
    both(fewer)
    assert of_month(fewer, "2001-01") == (2 if left else None)
    ids = [document["id"] for document in everything(fewer)[1]]
    assert ids == ([f"google:com.b:{on}:*"] if left else [])
    assert everything(fewer) == clean(fewer, tmp_path)
    assert publish_downloads.publish(fewer) == publish_downloads.Published()


def test_an_app_of_which_no_store_has_reported_is_unknown_in_rollups_as_soon_as_it_is_named(work):
    on = day(LISTENED[0])
    alone = JobContext(work.settings, with_apps(ONE), lambda step: None)
    reported(alone, {("com.a", on): 5})
    both(alone)
    [number] = rollup(alone, "_all/day/2001-01-15.json")["downloads"]["numbers"]
    assert number["unknown"] == []
    both(work)
    [number] = rollup(work, "_all/day/2001-01-15.json")["downloads"]["numbers"]
    assert number["unknown"] == ["google:com.b"]


def test_a_document_that_goes_with_a_correction_and_comes_back_continues_its_revision(work):
    key = ("com.a", day(LISTENED[0]))
    for told in ({key: 6}, {("com.b", key[1]): 1}, {key: 9}):
        reported(work, told, [key[1]])
        both(work)
    [document] = open_document_store(work.settings).between(CONTAINER, "acme", "", "~")
    assert (document["id"], document["downloads"], document["revision"]) == ("google:com.a:2001-01-15:*", 9, 2)


def test_a_metric_of_months_made_elsewhere_is_worked_out_like_any_other_and_of_months_before_it(work, monkeypatch):
    """A table and a compute are all that a metric is: no job names it."""
    columns = {"month": "STRING", "tenant": "STRING", "app_count": "BIGINT"}
    table = Table(
        "gold.apps_by_month",
        "\n".join(f"{name} {kind} NOT NULL COMMENT 'x'" for name, kind in columns.items()),
        partitioned_by=("month",),
    )

    def apps(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.group_by("month", "tenant").agg(app_count=pl.col("app").n_unique().cast(pl.Int64))

    early, late = ("com.a", day("2001-01-03")), ("com.b", day("2001-03-03"))
    reported(work, {early: 5})
    module = SimpleNamespace(TABLE=table, METRIC=Metric(table, "month", apps))
    monkeypatch.setattr(discovery, "modules", lambda known=discovery.modules: (*known(), module))
    reported(work, {early: 5, late: 7}, [late[1]])
    rows = work.delta_tables.frame(table).select("month", "app_count").sort("month").rows()
    assert rows == [("2001-01", 1), ("2001-03", 1)]
    assert not compute_downloads.compute(work)
