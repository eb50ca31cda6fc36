"""`ingest --reset-checkpoint`, under its name of today and under the old one."""

from __future__ import annotations

import pytest

from tests.unit import standing
from tests.unit.sources.haproxy.logs import SECRET


@pytest.mark.parametrize("option", ["--reset-checkpoint", "--new-epoch"])
def test_a_damaged_checkpoint_is_reset_under_the_new_name_and_the_old(world, monkeypatch, option):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    checkpoint = standing.write(world.folder / "data" / "lake")
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)
    (checkpoint / "query" / "offsets" / "1").write_text("v1")
    refused = world.run("ingest", "--source", "haproxy")
    reset = world.run("ingest", "--source", "haproxy", option)
    again = world.run("ingest", "--source", "haproxy")
    assert refused.code == 1 and "metrics-lake ingest --reset-checkpoint" in refused.err
    assert reset.code == 0 and "checkpoint reset: the next batch comes after batch 2" in reset.err
    assert (again.code, again.err.splitlines()[-1]) == (0, "0 files taken in")


def test_a_run_over_a_damaged_checkpoint_names_the_remedy(world, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    checkpoint = standing.write(world.folder / "data" / "lake")
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)
    (checkpoint / "query" / "offsets" / "1").write_text("v1")
    ended = world.run("run")
    assert ended.code == 1 and "offsets/1 is torn" in ended.err
    assert "metrics-lake ingest --reset-checkpoint" in ended.err


def test_the_old_name_of_the_option_is_not_in_the_help(run):
    out = run("ingest", "--help").out
    assert "--reset-checkpoint" in out and "--new-epoch" not in out
