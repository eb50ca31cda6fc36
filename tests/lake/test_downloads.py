"""Reports of stores through the whole lane: files in, documents out, and nothing done twice."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from metrics_lake.bronze import store_reports as bronze
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.io.landing.checkpoints import CheckpointError
from metrics_lake.jobs import compute_downloads
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain.reset_checkpoint import reset_checkpoint
from metrics_lake.jobs.publish import publish_downloads
from metrics_lake.jobs.rebuild import RebuildError, rebuild
from metrics_lake.jobs.run import Ran, run
from metrics_lake.serve.downloads import CONTAINER
from metrics_lake.serve.rollup import rollup
from tests.lake.conftest import SAMPLES
from tests.lake.report_runs import run_reports

TENANTS = """
tenants:
  acme:
    name: Acme
    timezone: Africa/Johannesburg
    apps:
      - {store: apple, id: "1234567890", name: Acme Radio, vendor: "85000001"}
      - {store: google, id: com.acme.radio, name: Acme Radio}
"""
GOLDEN = Path(__file__).parents[1] / "golden" / "sources"
GOOGLE = "Date,Package name,Daily User Installs\n"


def _files(done: Ran) -> tuple[int, int]:
    """How many reports were ingested, and how many logs."""
    return done.ingested[bronze.FEED.name].files, done.ingested["haproxy"].files


@pytest.fixture
def work(small_in: Callable[..., JobContext], tmp_path: Path) -> JobContext:
    (tmp_path / "tenants.yaml").write_text(TENANTS)
    (tmp_path / "landing").mkdir()
    return small_in(tmp_path, tmp_path / "landing", tmp_path / "tenants.yaml")


def land(work: JobContext, name: str, content: str | bytes) -> None:
    path = Path(work.settings.storage.landing, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def golden(case: str) -> bytes:
    [report] = [file for file in (GOLDEN / case).iterdir() if file.name != "expected.jsonl"]
    return report.read_bytes()


def found(work: JobContext) -> dict[str, Any]:
    store = SqliteDocuments(work.settings.documents.path)
    return {each["id"]: each["downloads"] for each in store.between(CONTAINER, "acme", "", "~")}


def test_reports_become_documents_and_newer_ones_replace_what_they_speak_of(work: JobContext) -> None:
    land(work, "app_store/S_D_85000001_20010115.20010116T170000Z.txt", golden("app_store/negative-units"))
    land(work, "app_store/S_D_85000001_20010116.txt", golden("app_store/no-sales"))
    land(work, "app_store/S_D_85000001_20010114.txt", golden("app_store/missing-column"))
    land(
        work, "google_play/installs_com.acme.radio_200101_overview.20010117T050000Z.csv", golden("google_play/overview")
    )
    land(work, "google_play/installs_com.acme.radio_200101_country.20010117T050000Z.csv", golden("google_play/country"))
    first = run_reports(work)
    assert (first[0], found(work)) == (5, {
        "apple:1234567890:2001-01-15:*": 2, "apple:1234567890:2001-01-15:ZA": 2, "apple:1234567890:2001-01-16:*": 0,
        "google:com.acme.radio:2001-01-15:*": 7, "google:com.acme.radio:2001-01-15:ZA": 7,
        "google:com.acme.radio:2001-01-15:ZZ": 1, "google:com.acme.radio:2001-01-15:za2": 1,
        "google:com.acme.radio:2001-01-16:*": 4,
    })  # fmt: skip
    name = "google_play/installs_com.acme.radio_{}_overview.{}T050000Z.csv"
    land(work, name.format("200101", "20010118"), GOOGLE + "2001-01-16,com.acme.radio,5\n")
    land(
        work, name.format("200101", "20010116"), GOOGLE + "2001-01-16,com.acme.radio,99\n2001-01-14,com.acme.radio,1\n"
    )
    land(work, name.format("200102", "20010202"), GOOGLE + "2001-02-01,com.acme.radio,8\n")
    land(work, "app_store/S_D_85000001_20010115.20010120T000000Z.txt", golden("app_store/no-sales"))
    second = run_reports(work)
    assert second == (4, publish_downloads.Published(written=4, removed=1))
    after = found(work)
    assert after["google:com.acme.radio:2001-01-16:*"] == 5 and after["google:com.acme.radio:2001-01-14:*"] == 1
    assert after["google:com.acme.radio:2001-02-01:*"] == 8 and after["apple:1234567890:2001-01-15:*"] == 0
    assert "apple:1234567890:2001-01-15:ZA" not in after
    assert run_reports(work) == (0, publish_downloads.Published())
    assert (
        compute_downloads.compute(work, days=[date(2001, 1, 15)])
        and publish_downloads.publish(work) == publish_downloads.Published()
    )


def test_an_app_that_is_named_later_gets_what_its_reports_said_before(
    work: JobContext, small_in: Callable[..., JobContext], tmp_path: Path
) -> None:
    (tmp_path / "tenants.yaml").write_text(TENANTS.replace("com.acme.radio", "com.acme.other"))
    before = small_in(tmp_path, tmp_path / "landing", tmp_path / "tenants.yaml")
    land(before, "google_play/installs_com.acme.radio_200101_overview.csv", golden("google_play/overview"))
    run_reports(before)
    assert found(before) == {}
    assert run_reports(work)[1].written == 2 and len(found(work)) == 2


def test_rollups_of_a_tenant_as_a_whole_hold_its_downloads_and_change_with_them(
    work_in: Callable[..., JobContext], tmp_path: Path
) -> None:
    tenants = yaml.safe_load((SAMPLES / "tenants.yaml").read_text())
    name, first = next(iter(tenants["tenants"].items()))
    first["apps"] = [{"store": "google", "id": "com.acme.radio", "name": "Radio"}]
    (tmp_path / "tenants.yaml").write_text(yaml.safe_dump(tenants))
    shutil.copytree(SAMPLES / "landing", tmp_path / "landing")
    work = work_in(tmp_path, tmp_path / "landing", tmp_path / "tenants.yaml")
    report = "google_play/installs_com.acme.radio_202603_overview.{}.csv"
    land(work, report.format("20260306T050000Z"), GOOGLE + "2026-03-04,com.acme.radio,5\n2026-03-05,com.acme.radio,6\n")
    assert run(work).ingested[bronze.FEED.name].files == 1
    before = {path: json.loads(path.read_bytes()) for path in (tmp_path / "rollups").glob("*/*/*/*.json")}
    told = {path for path, document in before.items() if "downloads" in document}
    assert told == {path for path in before if path.parts[-4:-2] == (name, "_all")} and len(told) < len(before)
    check = jsonschema.Draft202012Validator(rollup.schema())
    for path in told:
        check.validate(before[path])
        assert before[path]["downloads"]["summary"]["downloads"] == (
            11 if path.parts[-2] in ("month", "year", "week") else 5
        )
    land(work, report.format("20260307T050000Z"), GOOGLE + "2026-03-05,com.acme.radio,7\n")
    done = run(work)
    assert (_files(done), done.computed["haproxy"], done.published.written) == ((1, 0), False, 3)
    raised = {path.parts[-2] for path, document in before.items() if json.loads(path.read_bytes())["revision"] == 2}
    assert raised == {"week", "month", "year"}
    assert (_files(run(work)), run(work).published.written) == ((0, 0), 0)


def test_a_lost_checkpoint_of_reports_is_refused_and_a_new_one_reads_nothing_twice(work: JobContext) -> None:
    land(
        work, "google_play/installs_com.acme.radio_200101_overview.20010117T050000Z.csv", golden("google_play/overview")
    )
    run_reports(work)
    before, query = found(work), Path(work.checkpoints, "ingest_downloads") / "query"
    shutil.rmtree(query)
    with pytest.raises(CheckpointError, match=r"query is lost.*ingest --reset-checkpoint"):
        run_reports(work)
    assert reset_checkpoint(work, bronze.FEED) == 1
    newer = "google_play/installs_com.acme.radio_200101_overview.20010118T050000Z.csv"
    land(work, newer, GOOGLE + "2001-01-16,com.acme.radio,5\n")
    assert run_reports(work)[0] == 1
    assert found(work) == {**before, "google:com.acme.radio:2001-01-16:*": 5}
    assert work.delta_tables.frame(bronze.TABLE)["path"].n_unique() == 2
    assert work.delta_tables.frame(bronze.TABLE).height == 3 + 2


def test_a_rebuild_brings_downloads_back_and_is_refused_without_a_report(work: JobContext) -> None:
    report = "google_play/installs_com.acme.radio_200101_overview.20010117T050000Z.csv"
    land(work, report, golden("google_play/overview"))
    run_reports(work)
    before = found(work)
    SqliteDocuments(work.settings.documents.path).delete(CONTAINER, "acme", [next(iter(before))])
    rebuild(work)
    assert found(work) == before and run_reports(work) == (0, publish_downloads.Published())
    Path(work.settings.storage.landing, report).unlink()
    with pytest.raises(RebuildError, match="1 files that this lake was made from are no longer in"):
        rebuild(work)


def test_a_rebuild_from_a_copy_of_landing_without_times_says_what_the_lake_said(work: JobContext) -> None:
    name = "google_play/{}/installs_com.acme.radio_200101_overview.csv"
    for folder, at, number in (("b", 1_000_000_000, 5), ("a", 1_000_000_060, 6)):
        land(work, name.format(folder), f"{GOOGLE}2001-01-15,com.acme.radio,{number}\n")
        os.utime(Path(work.settings.storage.landing, name.format(folder)), (at, at))
    run_reports(work)
    before = found(work)
    assert before == {"google:com.acme.radio:2001-01-15:*": 6}
    os.utime(Path(work.settings.storage.landing, name.format("b")))
    rebuild(work)
    assert found(work) == before and run_reports(work) == (0, publish_downloads.Published())


def test_a_rebuild_is_refused_where_a_version_that_still_counts_was_replaced_in_place(work: JobContext) -> None:
    report = "google_play/installs_com.acme.radio_200101_overview.csv"
    land(work, report, GOOGLE + "2001-01-15,com.acme.radio,5\n2001-01-16,com.acme.radio,6\n")
    run_reports(work)
    land(work, report, GOOGLE + "2001-01-16,com.acme.radio,7\n")
    run_reports(work)
    before = found(work)
    assert before == {"google:com.acme.radio:2001-01-15:*": 5, "google:com.acme.radio:2001-01-16:*": 7}
    with pytest.raises(RebuildError, match=f"1 files .*such as {report}"):
        rebuild(work)
    land(work, report, GOOGLE + "2001-01-15,com.acme.radio,4\n2001-01-16,com.acme.radio,7\n")
    run_reports(work)
    rebuild(work)
    assert found(work)["google:com.acme.radio:2001-01-15:*"] == 4


def test_a_column_that_dies_later_changes_no_month_before_and_one_that_proves_alive_changes_them(
    work: JobContext,
) -> None:
    head, name = (
        "Date,Package name,Daily User Installs,Install events\n",
        "google_play/installs_com.acme.radio_2001{}_overview.csv",
    )
    land(work, name.format("01"), head + "2001-01-15,com.acme.radio,0,3\n")
    run_reports(work)
    assert found(work) == {"google:com.acme.radio:2001-01-15:*": 3}
    land(work, name.format("02"), head + "2001-02-15,com.acme.radio,2,3\n")
    run_reports(work)
    assert found(work) == {"google:com.acme.radio:2001-01-15:*": 0, "google:com.acme.radio:2001-02-15:*": 2}
