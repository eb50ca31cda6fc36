"""What upkeep does to a table, and which landing files it deletes."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta, timezone

import pytest

from metrics_lake.bronze import store_reports
from metrics_lake.catalog import stored
from metrics_lake.config.settings import Settings, Storage, Upkeep
from metrics_lake.io.landing.manifest import Manifest
from metrics_lake.io.storage.files import content_hash
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain.upkeep import statements, upkeep
from metrics_lake.model.tables import Table
from metrics_lake.sources.landed_file import FileEntry
from tests.unit import standing
from tests.unit.sources.haproxy.logs import SECRET, TENANTS, line, text

TODAY = date(2001, 6, 15)
DAILY = Table("gold.x", "on_on DATE NOT NULL COMMENT 'x'", partitioned_by=("on_on",), keep=timedelta(days=10))


def test_rows_past_their_days_go_closed_days_are_packed_and_old_files_deleted():
    assert statements(DAILY, "delta.`x`", TODAY, 168) == [
        "DELETE FROM delta.`x` WHERE on_on < DATE'2001-06-05' AND on_on <> DATE'1970-01-01'",
        "OPTIMIZE delta.`x` WHERE on_on < DATE'2001-06-13'",
        "VACUUM delta.`x` RETAIN 168 HOURS",
    ]


def test_a_table_that_is_kept_for_good_loses_no_row():
    kept = [table for table in stored() if table.keep is None]
    assert kept and not [each for table in kept for each in statements(table, "t", TODAY, 7) if "DELETE" in each]


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A lake that has read two files of January; both lie in landing, the second one changed since, a third one new."""
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    standing.write(tmp_path / "lake")
    folder = tmp_path / "landing" / "haproxy" / "edge-01"
    folder.mkdir(parents=True)
    for number, more in enumerate(([], ["more"], ["new"])):
        content = text([line(number * 3600 + n) for n in range(3)] + more)
        (folder / f"haproxy.log-20010115-{13 + number}").write_bytes(content)
        os.utime(folder / f"haproxy.log-20010115-{13 + number}", (979_563_600, 979_563_600))
    return tmp_path


@pytest.mark.parametrize(("days", "deleted"), [(None, []), (100, ["haproxy.log-20010115-13"]), (200, [])])
def test_of_landing_only_what_was_read_as_it_lies_and_is_old_enough_is_deleted(world, days, deleted):
    before = {path.name for path in (world / "landing").rglob("*") if path.is_file()}
    storage = Storage(lake=str(world / "lake"), landing=str(world / "landing"))
    work = JobContext(Settings(storage=storage, upkeep=Upkeep(landing_days=days)), TENANTS, lambda step: None)
    done = upkeep(work, [], datetime(2001, 6, 15, tzinfo=timezone.utc))
    after = {path.name for path in (world / "landing").rglob("*") if path.is_file()}
    assert (done.landing_files, sorted(before - after)) == (len(deleted), deleted)


def test_store_reports_past_their_days_are_deleted_from_landing_as_logs_are(world):
    path, checkpoint = "google_play/installs.csv", world / "lake" / "_checkpoints" / store_reports.FEED.checkpoint
    report = world / "landing" / path
    report.parent.mkdir()
    report.write_text("Date,Package name,Daily User Installs\n")
    os.utime(report, (979_563_600, 979_563_600))
    modified = datetime.fromtimestamp(979_563_600, timezone.utc).isoformat()
    entry = FileEntry(path, report.stat().st_size, content_hash(report), modified)
    storage = Storage(lake=str(world / "lake"), landing=str(world / "landing"))
    context = JobContext(Settings(storage=storage, upkeep=Upkeep(landing_days=100)), TENANTS, lambda step: None)
    Manifest(checkpoint / "manifest").add("landing", [entry], {})
    now = datetime(2001, 6, 15, tzinfo=timezone.utc)
    assert upkeep(context, [], now).landing_files == 1 and report.exists(), "its batch is planned and not in bronze yet"
    standing.with_sum(checkpoint / "query" / "offsets" / "0", 'v1\n{"conf":{}}\n{"batch": 1}')
    standing.with_sum(checkpoint / "query" / "commits" / "0", 'v1\n{"nextBatchWatermarkMs":0}')
    assert upkeep(context, [], now).landing_files == 1 and not report.exists()
