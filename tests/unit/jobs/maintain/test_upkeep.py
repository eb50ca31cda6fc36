"""What upkeep does to a table, and which landing files it deletes."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta, timezone

import pytest

from metrics_lake.catalog import stored
from metrics_lake.config.settings import Settings, Storage, Upkeep
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain.upkeep import statements, upkeep
from metrics_lake.model.tables import Table
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
