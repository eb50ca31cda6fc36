"""After wrong settings, mending them and a run is all it takes: files that were read by other rules are read again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.ingest import ingest
from metrics_lake.jobs.run import run
from metrics_lake.silver import sessions
from tests.lake.contents import everything
from tests.lake.faults.conftest import CORPUS, LAST, UNTOUCHED, packed
from tests.lake.faults.conftest import FIRST as EARLY
from tests.unit.cli.conftest import TENANTS
from tests.unit.sources.haproxy.logs import line, text

RIGHT = TENANTS
WRONG_GLOBS = TENANTS.replace("/acme/live/*", "/elsewhere/*")  # nobody's lines
WRONG_NAMES = TENANTS.replace("live:", "music:").replace("fm:", "news:")  # whole streams go
SWAPPED = TENANTS.replace('"/acme/live/*"', '"/x/*"').replace('"/acme.mp3"', '["/acme/live/*", "/acme.mp3"]')
Ways = Callable[..., JobContext]


class Station:
    """A folder with landing and lake, whose tenants and settings may change from run to run."""

    def __init__(self, way: Ways, folder: Path) -> None:
        self.way, self.folder = way, folder
        (folder / "landing" / "haproxy").mkdir(parents=True)

    def put(self, files: dict[str, bytes]) -> Station:
        for path, content in files.items():
            file = self.folder / "landing" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return self

    def work(self, tenants: str = RIGHT, *settings: str) -> JobContext:
        (self.folder / "tenants.yaml").write_text(tenants)
        return self.way(self.folder, self.folder / "landing", self.folder / "tenants.yaml", *settings)

    def run(self, tenants: str = RIGHT, *settings: str):
        """One run; its answer for the logs."""
        return run(self.work(tenants, *settings)).ingested["haproxy"]

    @property
    def contents(self):
        return everything(self.work().settings, "acme")

    def rows(self, view) -> pl.DataFrame:
        return self.work().delta_tables.frame(view)


ALL = {path: packed(CORPUS[path]) for path in (EARLY, UNTOUCHED, LAST)}


@pytest.fixture(scope="module")
def right(small_in: Ways, tmp_path_factory: pytest.TempPathFactory) -> Station:
    """The lake that had the right settings from the first."""
    station = Station(small_in, tmp_path_factory.mktemp("right")).put(ALL)
    station.run()
    return station


@pytest.fixture
def station(small_in: Ways, tmp_path: Path) -> Station:
    return Station(small_in, tmp_path / "station").put(ALL)


@pytest.mark.parametrize(
    ("tenants", "settings"),
    [
        (WRONG_GLOBS, ()), (WRONG_NAMES, ()),
        (RIGHT, ("haproxy.timezone=Asia/Tokyo",)), (RIGHT, ("haproxy.captures={fe: [referer]}",)),
    ],
)  # fmt: skip
def test_a_wrong_setting_mended_and_a_run_give_the_figures_of_the_right_one_at_once(
    station: Station, right: Station, tenants: str, settings: tuple[str, ...]
) -> None:
    station.run(tenants, *settings)
    assert station.contents != right.contents
    done = station.run()
    assert (done.files, done.again, done.left) == (0, len(ALL), 0)
    assert station.contents == right.contents


def test_a_run_after_that_reads_nothing_and_writes_nothing(station: Station) -> None:
    station.run(WRONG_GLOBS)
    station.run()
    before = {path: path.stat().st_mtime_ns for path in station.folder.rglob("*") if path.is_file()}
    done = run(station.work())
    assert (done.files, done.ingested["haproxy"].again, done.published.written) == (0, 0, 0)
    after = {path: path.stat().st_mtime_ns for path in station.folder.rglob("*") if path.is_file()}
    assert {path for path in after if before.get(path) != after[path]} <= {
        station.folder / "tenants.yaml", station.folder / "lake" / "_checkpoints" / "writer.lock"
    }  # fmt: skip


def test_what_no_line_is_read_by_has_no_file_read_again(station: Station) -> None:
    station.run()
    tenants = RIGHT.replace("Acme Radio", "Acme Audio").replace("Africa/Johannesburg", "Asia/Tokyo")
    tenants += "    apps: [{store: apple, id: '1', name: Acme}]\n"
    done = station.run(
        tenants, "sessions.gap_seconds=30", "privacy.minimum_group=2", "haproxy.expected_proxies=[edge-01]"
    )
    assert done.again == 0


def test_a_file_that_landing_lost_keeps_its_rows_and_is_counted(station: Station) -> None:
    station.run(WRONG_NAMES)
    gone = next(iter(ALL))
    (station.folder / "landing" / gone).unlink()
    done = station.run()
    assert (done.again, done.left) == (len(ALL) - 1, 1)
    of_gone = station.rows(bronze.FILES).filter(path=gone)["file_id"].item()
    visits = station.rows(bronze.VISITS)
    assert set(visits.filter(file_id=of_gone)["stream"]) == {"music", "news"}
    assert set(visits.filter(pl.col("file_id") != of_gone)["stream"]) == {"live", "fm"}


def test_a_file_put_back_is_read_again_by_hand(station: Station, right: Station, tmp_path: Path) -> None:
    station.run(WRONG_NAMES)
    gone = next(iter(ALL))
    (station.folder / "landing" / gone).unlink()
    station.run()
    station.put({gone: ALL[gone]})
    assert station.run().again == 0
    assert ingest(station.work(), bronze.FEED, again=True).again == len(ALL)
    station.run()
    assert station.contents == right.contents


def test_a_copy_takes_the_place_of_a_file_that_is_gone(station: Station, right: Station) -> None:
    first, *_ = ALL
    copied = "haproxy/edge-01/copy/haproxy-13-00.log.gz"
    station.put({copied: ALL[first]})
    station.run(WRONG_NAMES)
    (station.folder / "landing" / first).unlink()
    assert station.run().left == 0
    assert station.contents["silver/sessions"] == right.contents["silver/sessions"]


def test_the_first_version_of_a_log_that_grew_leaves_no_rows_of_other_rules(small_in: Ways, tmp_path: Path) -> None:
    path, lines = "haproxy/edge-01/haproxy.log", [line(at, "/acme/live/1.ts") for at in (0, 6, 4000, 4006)]
    grown = Station(small_in, tmp_path / "grown").put({path: text(lines[:2])})
    grown.run(WRONG_NAMES)
    grown.put({path: text(lines)})
    os.utime(grown.folder / "landing" / path, (1, 1))
    done = grown.run()
    assert (done.files, done.left) == (1, 0)
    assert sorted(grown.rows(sessions.TABLE)["stream"]) == ["live", "live"]
    assert set(grown.rows(bronze.VISITS)["stream"]) == {"live"} and grown.rows(bronze.FILES).height == 1


def test_an_ingest_that_was_cut_short_is_taken_up(station: Station, right: Station, monkeypatch) -> None:
    station.run(WRONG_GLOBS)

    def dies(*arguments):
        raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(JobContext, "read", dies)
        patched.setattr(type(station.work()), "read", dies)
        with pytest.raises(InterruptedError):
            station.run()
    station.run(WRONG_GLOBS)  # the batch that was planned is ended by the rules of its plan, then read by those of now
    assert station.run().again == len(ALL)
    assert station.contents == right.contents


def test_batches_are_as_small_as_asked(station: Station, right: Station) -> None:
    station.run(WRONG_GLOBS)
    size = max(map(len, ALL.values()))
    station.run(RIGHT, f"ingest.batch_bytes={size}")
    batches = station.work().intake(bronze.FEED).manifest.batches(1, 1 + len(ALL))
    assert len(batches) == len(ALL) and all(batch.again for batch in batches)
    assert station.contents == right.contents


def test_a_file_that_can_not_be_read_at_that_moment_keeps_its_rows(station: Station, monkeypatch) -> None:
    station.run()
    gone = next(iter(ALL))
    work = station.work()
    read = type(work).read

    def without_the_file(self, *arguments):
        shutil.move(station.folder / "landing" / gone, station.folder / "kept")
        read(self, *arguments)

    before = station.rows(bronze.VISITS).height
    monkeypatch.setattr(type(work), "read", without_the_file)
    ingest(work, bronze.FEED, again=True)
    assert station.rows(bronze.VISITS).height == before
    assert set(station.rows(bronze.FILES)["status"]) == {"read"}


def test_lakes_of_versions_without_a_digest_are_compared_by_their_sealed_rules(
    station: Station, right: Station
) -> None:
    station.run(WRONG_GLOBS)
    checkpoint = station.folder / "lake" / "_checkpoints" / "ingest_haproxy"
    (checkpoint / "read_by.json").unlink()
    for file in (checkpoint / "manifest").glob("*.json"):
        batch = json.loads(file.read_text())
        del batch["rules"]["mark"]
        file.write_text(json.dumps(batch))
    assert station.run(WRONG_GLOBS).again == 0
    assert station.run().again == len(ALL)
    assert station.contents == right.contents


def test_with_spark_it_is_the_same(by_spark_in: Ways, right: Station, tmp_path: Path) -> None:
    station = Station(by_spark_in, tmp_path / "spark").put(ALL)
    station.run(SWAPPED)
    assert station.run().again == len(ALL)
    assert station.contents == right.contents
