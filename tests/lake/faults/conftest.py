"""A small world of seven files over five days, the state that a clean run over them ends in, and drivers to kill.

Without Spark, but where a fault is one of Spark's own: `spark_world` and `spark_copy` read landing by its streaming.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.run import run
from tests.lake.conftest import ROOT
from tests.unit.cli.conftest import TENANTS
from tests.unit.sources.haproxy.logs import SECRET, line, text

EDGE = "haproxy/edge-01"
HOUR = 3600
STARTS = {  # hours from noon of 15 January 2001 to the start of the hour that the file holds
    "2000/12/05/haproxy-13-00.log.gz": -41 * 24, "2000/12/06/haproxy-13-00.log.gz": -40 * 24,
    "2001/01/12/haproxy-13-00.log.gz": -3 * 24, "2001/01/14/haproxy-12-00.log.gz": -25,
    "2001/01/14/haproxy-13-00.log.gz": -24, "2001/01/15/haproxy-13-00.log.gz": 0, "2001/01/15/haproxy-14-00.log.gz": 1,
}  # fmt: skip
FIRST, LATE, UNTOUCHED, BEFORE, CUT, GROWING, LAST = (f"{EDGE}/{name}" for name in STARTS)


def lines_of(start: int) -> list[str]:
    """An hour: two who listen by HLS into the next hour, one through Icecast who began an hour before, and a stranger."""
    at = start * HOUR
    hls = [
        line(at + after, f"/acme/live/{after}.ts", address=address, agent=agent)
        for address, agent in (("192.0.2.7", "VLC/3.0.20"), ("192.0.2.8", "mpv 0.34"))
        for after in (30, 36, 90, 2000, 2040, 3580, 3590)
    ]
    icecast = line(at - 1800, "/acme.mp3", address="192.0.2.9", agent="Winamp", timers="0/0/1/5/2400000")
    return [*hls, icecast, line(at + 60, "/nobody/x", address="192.0.2.10"), "what is this"]


CORPUS = {f"{EDGE}/{name}": text(lines_of(start)) for name, start in STARTS.items()}


def packed(content: bytes, level: int = 6) -> bytes:
    return gzip.compress(content, level, mtime=0)


@dataclass(frozen=True)
class World:
    """A folder with landing and lake. `work` is done in this process, `driver` in one of its own."""

    folder: Path
    work: JobContext

    def put(self, path: str, content: bytes, *, at: float | None = None) -> None:
        file = self.folder / "landing" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        if at is not None:
            os.utime(file, (at, at))

    def put_all(self) -> World:
        for path, content in CORPUS.items():
            self.put(path, packed(content))
        return self

    def command(self, *arguments: str) -> list[str]:
        """The words of a command over this world."""
        settings = self.work.settings
        places = {
            "storage.landing": settings.storage.landing, "storage.lake": settings.storage.lake,
            "storage.rollups": settings.storage.rollups, "documents.path": settings.documents.path,
            "tenants": settings.tenants, "spark.jars": settings.spark.jars, "spark.driver_memory": "1g",
        }  # fmt: skip
        options = [part for key, value in places.items() for part in ("--set", f"{key}={value}")]
        return [sys.executable, "-m", "metrics_lake.cli", *arguments, "--conf", str(ROOT / "conf"), *options]

    def driver(self, *arguments: str, fail_point: str = "") -> subprocess.Popen[str]:
        """A process that does a command, and dies at a place."""
        return subprocess.Popen(
            self.command(*arguments),
            env={**os.environ, "METRICS_LAKE_SECRET": SECRET, "METRICS_LAKE_FAILPOINT": fail_point},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


WorldIn = Callable[[Path], World]


def _world_in(folder: Path, context_in: Callable[..., JobContext]) -> World:
    (folder / "landing" / "haproxy").mkdir(parents=True, exist_ok=True)
    (folder / "tenants.yaml").write_text(TENANTS)
    return World(folder, context_in(folder, folder / "landing", folder / "tenants.yaml"))


@pytest.fixture(scope="session")
def world_in(small_in: Callable[..., JobContext]) -> WorldIn:
    """An empty world: world_in(folder)."""
    return lambda folder: _world_in(folder, small_in)


@pytest.fixture(scope="session")
def spark_world_in(work_in: Callable[..., JobContext]) -> WorldIn:
    """The same, in which Spark reads landing."""
    return lambda folder: _world_in(folder, work_in)


@pytest.fixture
def world(world_in: WorldIn, tmp_path: Path) -> World:
    return world_in(tmp_path)


@pytest.fixture
def spark_world(spark_world_in: WorldIn, tmp_path: Path) -> World:
    return spark_world_in(tmp_path)


@pytest.fixture(scope="session")
def clean(world_in: WorldIn, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The world in which every file came at once and nothing went wrong."""
    return _clean(world_in(tmp_path_factory.mktemp("clean")))


@pytest.fixture(scope="session")
def spark_clean(spark_world_in: WorldIn, tmp_path_factory: pytest.TempPathFactory) -> World:
    return _clean(spark_world_in(tmp_path_factory.mktemp("spark_clean")))


def _clean(world: World) -> World:
    run(world.put_all().work)
    return world


@pytest.fixture
def copy(clean: World, world_in: WorldIn, tmp_path: Path) -> World:
    """A copy of it, to be harmed."""
    return _copied(clean, world_in, tmp_path)


@pytest.fixture
def spark_copy(spark_clean: World, spark_world_in: WorldIn, tmp_path: Path) -> World:
    return _copied(spark_clean, spark_world_in, tmp_path)


def _copied(clean: World, world_in: WorldIn, folder: Path) -> World:
    shutil.copytree(clean.folder, folder, dirs_exist_ok=True)
    return world_in(folder)
