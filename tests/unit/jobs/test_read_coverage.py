"""What has arrived is worked out once for a version of bronze, and anew for the next, and for another lake. No Spark."""

from __future__ import annotations

import shutil
from datetime import timedelta

import polars as pl
import pytest
from deltalake import write_deltalake

from metrics_lake.bronze import haproxy
from metrics_lake.config.settings import Settings, Storage
from metrics_lake.io.lake.delta_tables import DeltaTables
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain.reset_checkpoint import reset_checkpoint
from metrics_lake.jobs.read_coverage import coverage, line_loss
from tests.unit import standing
from tests.unit.sources.haproxy.logs import SECRET, TENANTS, line, rules_of, text


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


@pytest.fixture
def log_server(tmp_path, monkeypatch):
    """Settings of a lake with a file of two hosts, of an hour each, whose lines are numbered; node3 lost one."""
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    numbers = {"node2": (1, 2, 3), "node3": (1, 3, 4)}
    lines = [
        f"{line(n, prefix=f'Jan 15 12:00:00 {host} haproxy[1]: ')} 4037 {n} {979560000 + n}.003 -"
        for host, own in numbers.items()
        for n in own
    ]
    standing.take_in(tmp_path / "lake", 0, text(lines), "haproxy/haproxy.log-20010115-13", rules_of())
    return Settings(storage=Storage(lake=str(tmp_path / "lake"), landing=str(tmp_path / "landing")))


def test_a_file_of_two_hosts_is_an_hour_of_each_and_their_lines_are_counted_apart(log_server):
    assert [proxy.name for proxy in coverage(log_server).proxies] == ["node2", "node3"]
    losses = [(loss.proxy, loss.received, loss.lost, loss.doubled) for loss in line_loss(log_server)]
    assert losses == [("node2", 3, 0, 0), ("node3", 3, 1, 0)]


def test_a_file_of_two_hosts_is_one_in_a_new_checkpoint(log_server):
    context = JobContext(log_server, TENANTS, lambda step: None)
    reset_checkpoint(context, haproxy.FEED)
    assert [entry.path for entry in context.intake(haproxy.FEED).manifest.entries()] == [
        "haproxy/haproxy.log-20010115-13"
    ]


def test_rows_of_older_versions_count_for_the_proxy_that_their_files_would_have_now(tmp_path, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    standing.write(tmp_path / "lake", 1)
    place = str(tmp_path / "lake" / haproxy.TABLE.path)
    older = pl.when(pl.col("row_kind") == "file").then(pl.lit("localhost"))
    rows = pl.read_delta(place).with_columns(proxy=older).drop("proxy_reason")
    write_deltalake(place, rows.to_arrow(), mode="overwrite", schema_mode="overwrite")
    settings = Settings(storage=Storage(lake=str(tmp_path / "lake")))
    first = coverage(settings).complete_through
    monkeypatch.setattr(standing, "write_deltalake", _merging)
    standing.write(tmp_path / "lake", 1, first=1)
    found = coverage(settings)
    assert [proxy.name for proxy in found.proxies] == ["edge-01"]
    assert found.complete_through == first + timedelta(hours=1)


def _merging(*args, **more):
    write_deltalake(*args, schema_mode="merge", **more)
