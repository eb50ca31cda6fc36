"""The whole run, submitted to a standalone cluster from a Python that has every package but this project."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.stack.cluster import ROOT, Cluster, cluster
from tests.unit.sources.haproxy.logs import SECRET, line, text

pytestmark = pytest.mark.stack
TENANTS = """
tenants:
  acme:
    name: Acme Radio
    timezone: Africa/Johannesburg
    streams:
      live: {protocol: hls, segment_seconds: 6, match: {path: "/acme/live/*"}}
"""
HOURS = {16: range(60), 17: range(40, 120)}


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """As a cluster has it: a file that every machine can read, named in its environment."""
    file = tmp_path_factory.mktemp("secret") / "secret"
    file.write_text(SECRET)
    return {"METRICS_LAKE_SECRET_FILE": str(file)}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, secret: dict[str, str]) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster"), secret) as found:
        yield found


def landed(folder: Path, hour: int) -> None:
    log = text([line(n, f"/acme/live/{n}.ts") for n in HOURS[hour]])
    path = folder / "landing" / "haproxy" / "edge-01" / f"haproxy.log-20010115-{hour}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(log))


def settings(folder: Path) -> list[str]:
    """Options of a command whose all lies below a folder; Spark does the work, however little it is."""
    conf = folder / "conf"
    conf.mkdir(exist_ok=True)
    places = {name: str(folder / name) for name in ("landing", "lake", "rollups")}
    base = {
        "storage": places,
        "documents": {"path": str(folder / "documents.db")},
        "spark": {"from_rows": 0, "from_bytes": 0},
    }
    (conf / "base.yaml").write_text(json.dumps(base))
    (conf / "tenants.yaml").write_text(TENANTS)
    return ["--conf", str(conf)]


def figures(folder: Path) -> dict[str, Any]:
    """What is published, without when it was."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.json") if path.name != "index.json"}
    return {name: {**json.loads(path.read_bytes()), "generated_at": None} for name, path in files.items()}


def sessions(folder: Path) -> pl.DataFrame:
    return pl.read_delta(str(folder / "lake" / "silver" / "sessions")).sort("session_id")


def test_the_clean_python_has_the_packages_and_not_the_project(running: Cluster) -> None:
    script = "import polars, pyspark, metrics_lake"
    done = subprocess.run(
        [running.place.python, "-c", script], cwd=running.work, capture_output=True, text=True, check=False
    )
    assert "No module named 'metrics_lake'" in done.stderr


def test_two_runs_on_a_cluster_give_what_two_runs_on_this_machine_give(
    running: Cluster, secret: dict[str, str], tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for hour in HOURS:
        for folder in (here, there):
            landed(folder, hour)
        done = running.submit("run.py", settings(there), {}, secret, there)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        assert "1 files taken in" in done.stderr
        local = [sys.executable, "-m", "metrics_lake.cli", "run", *settings(here)]
        done = subprocess.run(
            local, cwd=ROOT, env={**os.environ, **secret}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
    assert figures(there / "rollups") == figures(here / "rollups")
    assert figures(there / "rollups")["acme/live/day/2001-01-15.json"]["summary"]["total_sessions"] > 0
    assert sessions(there).drop("session_id", strict=False).equals(sessions(here).drop("session_id", strict=False))
    copied = list(running.work.rglob("metrics_lake.zip"))
    assert copied, "no executor had the archive"
    assert not [path for path in running.work.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
