"""A rebuild that would lose something is refused, and changes nothing."""

from __future__ import annotations

import pytest

from metrics_lake.config.settings import Settings, Storage
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.rebuild import RebuildError, rebuild
from tests.unit import standing
from tests.unit.sources.haproxy.logs import SECRET, TENANTS


def test_a_rebuild_is_refused_where_landing_no_longer_holds_what_the_lake_was_made_from(tmp_path, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    standing.write(tmp_path / "lake")
    (tmp_path / "landing" / "haproxy" / "edge-01").mkdir(parents=True)
    (tmp_path / "landing" / "haproxy" / "edge-01" / "haproxy.log-20010115-13").write_text("x")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    storage = Storage(lake=str(tmp_path / "lake"), landing=str(tmp_path / "landing"))
    with pytest.raises(
        RebuildError, match=r"^1 files .*/haproxy.log-20010115-14\).*--accept-loss; nothing was changed$"
    ):
        rebuild(JobContext(Settings(storage=storage), TENANTS, lambda step: None))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
