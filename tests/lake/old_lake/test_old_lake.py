"""A lake that an earlier version made (lake.tar.xz: two hours of the samples and one report of a store) is read, and goes on."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from metrics_lake.jobs.run import run
from tests.lake import contents
from tests.lake.conftest import SAMPLES

FOLDER = Path(__file__).parent
REPORTS = Path(__file__).parents[2] / "golden" / "truth" / "downloads" / "transfer-day" / "files"
HOURS = Path("haproxy/2026/03/04")
FIRST, LATER = ("haproxy-16-00.log.gz", "haproxy-17-00.log.gz"), ("haproxy-15-00.log",)


def land(landing: Path, names: tuple[str, ...], report: int) -> None:
    (landing / HOURS).mkdir(parents=True, exist_ok=True)
    (landing / "app_store").mkdir(exist_ok=True)
    for name in names:
        shutil.copy(SAMPLES / "landing" / HOURS / name, landing / HOURS / name)
    shutil.copy(REPORTS / str(report), landing / "app_store" / f"S_D_8500000{report}_20261121.txt")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with tarfile.open(FOLDER / "lake.tar.xz") as packed:
        packed.extractall(tmp_path / "old", filter="data")
    land(tmp_path / "old" / "landing", FIRST, 1)
    return tmp_path / "old"


def test_a_lake_of_an_earlier_version_goes_on_as_if_this_version_had_made_it(old, tmp_path, work_in, small_in):
    tenants = old / "tenants.yaml"
    work = work_in(old, old / "landing", tenants)
    upgraded = run(
        work
    )  # reads by the rules of now what is in landing, and publishes what rollups have more than they had
    assert upgraded.published.written > 0 and upgraded.ingested["haproxy"].again == 2
    nothing_new = run(work)
    assert (nothing_new.files, nothing_new.published.written) == (0, 0)
    assert not any([*nothing_new.refined.values(), *nothing_new.computed.values()])

    land(old / "landing", LATER, 2)
    late = run(work)
    assert late.files == 2 and late.published.written > 0

    fresh = small_in(tmp_path / "fresh", old / "landing", tenants)
    run(fresh)
    assert not contents.differences(contents.whole(work), contents.whole(fresh))
