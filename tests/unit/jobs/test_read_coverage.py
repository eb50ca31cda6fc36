"""What has arrived is worked out once for a version of bronze, and anew for the next, and for another lake. No Spark."""

from __future__ import annotations

import shutil
from datetime import timedelta

from metrics_lake.config.settings import Settings, Storage
from metrics_lake.io.lake.delta_tables import DeltaTables
from metrics_lake.jobs.read_coverage import coverage
from tests.unit import standing
from tests.unit.sources.haproxy.logs import SECRET


def test_what_has_arrived_is_read_again_only_after_it_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    reads, frame = [], DeltaTables.frame
    monkeypatch.setattr(DeltaTables, "frame", lambda *args, **more: reads.append(1) or frame(*args, **more))
    settings = Settings(storage=Storage(lake=str(tmp_path / "lake")))
    standing.write(tmp_path / "lake", 2)
    first = coverage(settings).complete_through
    assert (coverage(settings).complete_through, len(reads)) == (first, 1)
    standing.write(tmp_path / "lake", 1, first=2)
    assert (coverage(settings).complete_through, len(reads)) == (first + timedelta(hours=1), 2)


def test_a_lake_in_the_place_of_another_is_read_though_it_has_the_same_version(tmp_path, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    settings = Settings(storage=Storage(lake=str(tmp_path / "lake")))
    standing.write(tmp_path / "lake", 1)
    first = coverage(settings).complete_through
    shutil.rmtree(tmp_path / "lake")
    standing.write(tmp_path / "lake", 1, first=5)
    assert coverage(settings).complete_through == first + timedelta(hours=5)
