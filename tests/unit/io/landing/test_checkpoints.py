"""A checkpoint that is torn, lost or too old is told before Spark could make doubles or gaps of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.config.settings import Settings, Storage
from metrics_lake.io.landing import checkpoints
from metrics_lake.io.landing.checkpoints import CheckpointError
from metrics_lake.io.landing.intake import Intake
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain import reset_checkpoint
from tests.unit import standing
from tests.unit.sources.haproxy.logs import SECRET, TENANTS


def cut(file: Path, length: int) -> None:
    file.write_bytes(file.read_bytes()[:length])


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(bytes(content))


def other(checkpoint: Path) -> None:
    standing.with_sum(checkpoint / "query" / "metadata", json.dumps({"id": "another"}))


def older(checkpoint: Path) -> None:
    for folder in ("offsets", "commits"):
        (checkpoint / "query" / folder / "1").unlink()


HARMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "offsets cut to nothing": (lambda c: (c / "query/offsets/1").write_bytes(b""), "offsets/1 is torn"),
    "offsets cut short": (lambda c: cut(c / "query/offsets/1", 12), "offsets/1 is torn"),
    "one byte of offsets flipped": (lambda c: flip(c / "query/offsets/0", 6), "offsets/0 is torn"),
    "one byte of commits flipped": (lambda c: flip(c / "query/commits/1", 9), "commits/1 is torn"),
    "commits cut to nothing": (lambda c: (c / "query/commits/1").write_bytes(b""), "commits/1 is torn"),
    "metadata cut": (lambda c: cut(c / "query/metadata", 5), "metadata is torn or lost"),
    "metadata lost": (lambda c: (c / "query/metadata").unlink(), "metadata is torn or lost"),
    "the query's folder lost": (lambda c: shutil.rmtree(c / "query"), "query is lost, although bronze has rows"),
    "all of it lost": (shutil.rmtree, "query is lost, although bronze has rows"),
    "the manifest lost": (lambda c: shutil.rmtree(c / "manifest"), "manifest is lost: batch 2 isn't there"),
    "a batch of the manifest lost": (lambda c: (c / "manifest/00000001.json").unlink(), "lacks a batch before 2"),
    "another lake's checkpoint": (other, "isn't the checkpoint that filled bronze"),
    "a checkpoint out of a backup": (older, "query is older than bronze"),
    "a hole in the log": (lambda c: (c / "query/offsets/0").rename(c / "query/offsets/3"), "lacks a file before 3"),
}


@pytest.fixture
def lake(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    standing.write(tmp_path / "lake")
    return tmp_path / "lake"


def work_of(lake: Path) -> JobContext:
    storage = Storage(lake=str(lake), landing=str(lake.parent / "landing"))
    return JobContext(Settings(storage=storage), TENANTS, lambda step: None)


def stream_of(lake: Path) -> tuple[Intake, str]:
    return work_of(lake).intake(bronze.FEED), f"{lake}/{bronze.TABLE.path}"


def test_a_whole_checkpoint_raises_no_alarm(lake):
    stream, table = stream_of(lake)
    stream.check(table)
    assert stream.committed == 2


def test_before_the_first_run_there_is_nothing_to_mistrust(tmp_path, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    stream, table = stream_of(tmp_path / "lake")
    stream.check(table)
    assert stream.committed == 0


def test_a_batch_that_was_begun_and_not_ended_raises_no_alarm(lake):
    (lake / "_checkpoints/ingest_haproxy/query/commits/1").unlink()
    stream, table = stream_of(lake)
    stream.check(table)
    assert stream.committed == 1


@pytest.mark.parametrize("harm", HARMS)
def test_a_checkpoint_that_can_not_be_trusted_is_named_with_its_remedy(lake, harm):
    do, said = HARMS[harm]
    do(lake / "_checkpoints" / "ingest_haproxy")
    stream, table = stream_of(lake)
    with pytest.raises(CheckpointError) as error:
        stream.check(table)
    assert said in str(error.value) and "metrics-lake ingest --reset-checkpoint" in str(error.value)


@pytest.mark.parametrize("harm", HARMS)
def test_a_new_epoch_begins_behind_what_bronze_holds_and_knows_its_files(lake, harm):
    HARMS[harm][0](lake / "_checkpoints" / "ingest_haproxy")
    work = work_of(lake)
    assert reset_checkpoint.reset_checkpoint(work, bronze.FEED) == 2
    stream, table = stream_of(lake)
    stream.check(table)
    assert (stream.committed, stream.manifest.last_number) == (2, 2)
    assert [entry.path for entry in stream.manifest.entries()] == [
        "haproxy/edge-01/haproxy.log-20010115-13", "haproxy/edge-01/haproxy.log-20010115-14",
    ]  # fmt: skip
    assert checkpoints.start(f"{lake}/_checkpoints/ingest_haproxy") == 2


def test_a_manifest_that_is_torn_is_made_whole_from_bronze_by_a_new_epoch(lake):
    cut(lake / "_checkpoints/ingest_haproxy/manifest/00000001.json", 30)
    stream, _ = stream_of(lake)
    with pytest.raises(CheckpointError, match=r"00000001\.json is torn or lost.*--reset-checkpoint"):
        stream.manifest.entries()
    reset_checkpoint.reset_checkpoint(work_of(lake), bronze.FEED)
    assert len(stream.manifest.entries()) == 2


def test_what_was_planned_and_not_read_is_planned_anew_in_a_new_epoch(lake):
    stream, _ = stream_of(lake)
    stream.manifest.add("landing", [], {})
    reset_checkpoint.reset_checkpoint(work_of(lake), bronze.FEED)
    assert stream.manifest.last_number == 2


def test_a_new_epoch_that_is_lost_again_is_found_again(lake):
    work = work_of(lake)
    reset_checkpoint.reset_checkpoint(work, bronze.FEED)
    standing.write(lake, 1)  # what the new epoch's query adds
    shutil.rmtree(lake / "_checkpoints/ingest_haproxy/query")
    stream, table = stream_of(lake)
    with pytest.raises(CheckpointError, match="query is lost"):
        stream.check(table)


def test_old_checkpoints_are_put_aside_and_none_is_overwritten(lake):
    work = work_of(lake)
    reset_checkpoint.reset_checkpoint(work, bronze.FEED)
    shutil.copytree(lake / "_checkpoints/ingest_haproxy/query-before-1", lake / "_checkpoints/ingest_haproxy/query")
    reset_checkpoint.reset_checkpoint(work, bronze.FEED)
    assert (lake / "_checkpoints/ingest_haproxy/query-before-2/metadata").exists()


@pytest.mark.parametrize("content", ["", "v1", "v1\n{}\n{", "v1\n{}\n[]"])
def test_a_torn_offsets_file_names_the_remedy_when_only_the_newest_batch_is_asked_for(lake, content):
    checkpoint = lake / "_checkpoints" / "ingest_haproxy"
    (checkpoint / "query" / "offsets" / "1").write_text(content)
    with pytest.raises(CheckpointError, match=r"offsets/1 is torn; .*--reset-checkpoint"):
        checkpoints.committed(str(checkpoint))
