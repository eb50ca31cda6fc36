"""Cases 22 and 23 for real: disks that are full, out of inodes or read-only, and a worker of Python that is killed.

The disks are small tmpfs in a mount namespace of the driver's own (`unshare`), so nothing of the machine is touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from metrics_lake.jobs.run import run
from tests.lake import contents
from tests.lake.conftest import ROOT
from tests.lake.faults.conftest import EDGE, World, packed
from tests.unit.sources.haproxy.logs import SECRET, line, text

AGAIN = """
run() { "$@" >> "$TOLD" 2>&1; echo "code $?" >> "$TOLD"; }
mount -t tmpfs -o "$DISK" tmpfs "$LAKE" || exit 9
run "$@"
mount -o remount,size=200m,nr_inodes=0 "$LAKE" || exit 9
run "$@"
cp -a "$LAKE" "$LAKE.kept"
"""
READ_ONLY = """
mount --bind "$LAKE" "$LAKE" && mount -o remount,bind,ro "$LAKE" || exit 9
"$@" >> "$TOLD" 2>&1; echo "code $?" >> "$TOLD"
"""


def apart(world: World, script: str, lake: Path, **more: str) -> str:
    """What the driver tells that runs as a script says, in a mount namespace of its own."""
    told = world.folder / "told"
    environment = {**os.environ, "METRICS_LAKE_SECRET": SECRET, "LAKE": str(lake), "TOLD": str(told), **more}
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *world.command("run")]
    done = subprocess.run(command, env=environment, timeout=500, check=False)
    assert done.returncode in (0, 1) and told.exists(), "unshare and mount are needed, and user namespaces allowed"
    return told.read_text()


@pytest.mark.parametrize(
    "disk",
    [
        pytest.param("size=40k", marks=pytest.mark.slow),
        "size=400k",
        pytest.param("size=50m,nr_inodes=120", marks=pytest.mark.slow),
    ],
    ids=["tiny", "small", "few inodes"],
)
def test_case_22_a_disk_that_is_full_ends_a_run_in_one_line_and_with_room_again_the_next_ends_it(
    spark_world: World, clean: World, disk: str
) -> None:
    spark_world.put_all()
    lake = Path(spark_world.work.settings.storage.lake)
    lake.mkdir()
    told = apart(spark_world, AGAIN, lake, DISK=disk)
    first, second, _ = told.split("code ")
    assert "metrics-lake: the disk is full; free some room and run again" in first and "Traceback" not in first, first
    assert second.startswith("1\n") and told.endswith("code 0\n"), told
    lake.rmdir()
    shutil.move(f"{lake}.kept", lake)
    assert not list(lake.rglob("*.tmp"))
    everything = [contents.everything(each.work.settings, "acme") for each in (spark_world, clean)]
    assert everything[0] == everything[1]
    assert run(spark_world.work).files == 0


def test_case_22_a_checkpoint_that_is_read_only_ends_a_run_in_one_line_and_is_as_it_was(spark_copy: World) -> None:
    spark_copy.put(f"{EDGE}/2001/01/15/haproxy-15-00.log.gz", packed(text([line(2 * 3600 + 5)])))
    checkpoint = Path(spark_copy.work.checkpoints, "ingest_haproxy")
    before = {path: path.read_bytes() for path in checkpoint.rglob("*") if path.is_file()}
    told = apart(spark_copy, READ_ONLY, checkpoint)
    assert told.endswith("code 1\n") and "is on a disk that is read-only" in told and "Traceback" not in told
    assert {path: path.read_bytes() for path in checkpoint.rglob("*") if path.is_file()} == before
    assert run(spark_copy.work).files == 1, "when it can be written again, the run goes on"


def test_case_23_a_task_whose_worker_is_killed_is_done_again_in_the_same_run_and_no_row_is_lost(
    world_in: Callable[[Path], World], tmp_path: Path
) -> None:
    world = world_in(tmp_path)
    for hour in range(3):
        world.put(f"{EDGE}/2001/01/15/haproxy-{13 + hour}-00.log.gz", packed(text([line(hour * 3600)])))
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("one_death.py"), tmp_path],
        cwd=ROOT, env={**os.environ, "METRICS_LAKE_SECRET": SECRET}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "killed").exists() and done.stdout.endswith("batch 1 is in the table\n")
    assert contents.requests(world.work.settings) == 3 and len(contents.files(world.work.settings)) == 3
