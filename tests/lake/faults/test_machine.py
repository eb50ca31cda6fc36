"""Cases 21 to 24: storage that fails, a disk that is full, a worker that is killed, a documents store that is busy."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.errors import StreamingQueryException

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.cli import main
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.io.landing import local_landing
from metrics_lake.io.landing.intake import Intake
from metrics_lake.io.landing.local_landing import LocalLanding
from metrics_lake.io.storage import files
from metrics_lake.jobs.ingest import _rules as rules_of_batch
from metrics_lake.jobs.ingest import ingest
from tests.lake import contents
from tests.lake.faults import dying
from tests.lake.faults.conftest import World, packed
from tests.unit import standing
from tests.unit.io.documents.test_sqlite import document
from tests.unit.sources.haproxy.logs import SECRET, line, text

C = "listening"


def no_space(*arguments: object, **named: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A lake that stands, one new file in landing, and a way to call the command on them; it needs no Spark to fail."""
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    monkeypatch.chdir(tmp_path)
    standing.write(tmp_path / "data" / "lake")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "tenants.yaml").write_text("tenants: {acme: {name: Acme, timezone: UTC}}")
    (tmp_path / "data" / "landing" / "haproxy").mkdir(parents=True)
    (tmp_path / "data" / "landing" / "haproxy" / "new.log").write_bytes(text([line(7200)]))
    checkpoint = tmp_path / "data" / "lake" / "_checkpoints"

    def ingest_fails() -> int:
        with pytest.raises(SystemExit) as ended:
            main(["ingest"])
        return int(str(ended.value.code))

    def state() -> dict[str, bytes]:
        found = (path for path in checkpoint.rglob("*") if path.is_file() and path.name != "writer.lock")
        return {str(path): path.read_bytes() for path in found}

    return SimpleNamespace(ingest=ingest_fails, state=state, root=tmp_path)


@pytest.mark.parametrize(("error", "said"), [
    (PermissionError(errno.EACCES, "denied", "data/landing/haproxy/new.log"), "not_permitted: this process may not read it"),
    (OSError(errno.EIO, "Input/output error"), "not_readable: the disk or the share gives an error"),
    (TimeoutError(errno.ETIMEDOUT, "timed out"), "not_readable: the disk or the share gives an error"),
])  # fmt: skip
def test_case_21_a_file_that_storage_refuses_is_put_off_by_name_and_read_once_it_can_be(
    lake: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    said: str,
) -> None:
    def fail(path: Path) -> str:
        raise error

    def batches() -> set[str]:
        return {path for path in lake.state() if "manifest" in path or "query" in path}

    before = batches()
    with monkeypatch.context() as failing:
        failing.setattr(local_landing, "content_hash", fail)
        main(["ingest"])
    told = capsys.readouterr().err
    assert f"haproxy/new.log: put off, and missing until a run can read it ({said}" in told and "Traceback" not in told
    assert batches() == before
    intake = Intake(bronze.FEED, lake.root / "data/lake/_checkpoints/ingest_haproxy", str)
    assert intake.plan(LocalLanding(lake.root / "data" / "landing"), {}, 1 << 20) is not None, (
        "it is planned once it can be read"
    )


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_case_22_a_full_disk_is_said_so_and_leaves_no_torn_file_behind(
    lake: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], call: str
) -> None:
    before = lake.state()
    with monkeypatch.context() as full:
        full.setattr(files.os, call, no_space)
        assert lake.ingest() == 1
    assert "the disk is full; free some room and run again" in capsys.readouterr().err
    assert lake.state() == before
    held = Intake(bronze.FEED, lake.root / "data/lake/_checkpoints/ingest_haproxy", str)
    assert held.plan(LocalLanding(lake.root / "data" / "landing"), {}, 1 << 20) is not None, (
        "with room again it goes on"
    )


def test_case_23_a_worker_killed_in_the_midst_of_a_batch_costs_a_run_and_no_row(spark_world: World) -> None:
    for hour in range(3):
        spark_world.put(f"haproxy/edge-01/2001/01/15/haproxy-{13 + hour}-00.log.gz", packed(text([line(hour * 3600)])))
    work = spark_world.work
    batch = work.intake(bronze.FEED).plan(
        LocalLanding(work.settings.storage.landing), rules_of_batch(work, ""), 1 << 30
    )
    assert batch
    mark = spark_world.folder / "killed"
    (spark_world.folder / "landing" / "haproxy" / dying.BAIT).write_text(str(mark))
    sick = Intake(dying.FEED, Path(work.checkpoints, "ingest_haproxy"), str)
    with pytest.raises(StreamingQueryException):
        sick.read(
            work.spark_tables.spark, work.spark_tables.path(bronze.TABLE), lambda done, parts: None, is_small=True
        )
    assert mark.exists() and work.intake(bronze.FEED).committed == 0
    (spark_world.folder / "landing" / "haproxy" / dying.BAIT).unlink()
    assert ingest(work, bronze.FEED).files == 0, "nothing is new: it is the begun batch that is ended"
    assert contents.requests(work.settings) == 3 and len(contents.files(work.settings)) == 3


def test_case_24_a_busy_documents_store_is_waited_for_and_a_second_writing_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "documents.db"
    store = SqliteDocuments(str(path))
    store.upsert(C, [document("a", number=1)])
    other = sqlite3.connect(path, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.5, other.rollback)
    timer.start()
    started = time.monotonic()
    store.upsert(C, [document("a", number=2)])
    timer.join()
    other.close()
    assert time.monotonic() - started > 0.3
    before = store.between(C, "acme", "", "~")
    store.upsert(C, [document("a", number=2)])
    assert store.between(C, "acme", "", "~") == before == [document("a", number=2)]
    large = document("large", text="x" * 3_000_000)
    store.upsert(C, [large])
    assert store.between(C, "acme", "large", "large") == [large]
