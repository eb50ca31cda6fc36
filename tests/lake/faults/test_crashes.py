"""Cases 1 to 8: killed at any place, twice at once, or with a harmed checkpoint, the end is that of a clean run."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.gold import listeners_by_minute
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.io.lake.spark_tables import SparkTables
from metrics_lake.io.landing.checkpoints import CheckpointError
from metrics_lake.io.storage.failpoints import Crash, crashing
from metrics_lake.io.storage.files import BusyError, locked
from metrics_lake.jobs.ingest import ingest
from metrics_lake.jobs.maintain import reset_checkpoint
from metrics_lake.jobs.maintain.retry import retried
from metrics_lake.jobs.publish.publish import publish
from metrics_lake.jobs.run import run
from metrics_lake.model.arrow import polars_schema
from tests.lake import contents
from tests.lake.faults.conftest import EDGE, World, packed
from tests.unit.drawing import day, utc
from tests.unit.sources.haproxy.logs import line, text


def state(world: World) -> dict:
    return contents.everything(world.work.settings, "acme")


def killed(world: World, *arguments: str, fail_point: str) -> str:
    driver = world.driver(*arguments, fail_point=fail_point)
    told, _ = driver.communicate(timeout=300)
    assert driver.returncode == -signal.SIGKILL, told[-2000:]
    return told


def test_case_01_a_batch_committed_to_the_table_but_not_to_the_checkpoint_is_not_read_twice(spark_copy: World) -> None:
    before, requests = contents.files(spark_copy.work.settings), contents.requests(spark_copy.work.settings)
    commits = Path(spark_copy.work.checkpoints, "ingest_haproxy") / "query" / "commits"
    newest = max(commits.glob("[0-9]*"), key=lambda file: int(file.name))
    newest.unlink()
    newest.with_name(f".{newest.name}.crc").unlink()
    assert ingest(spark_copy.work, bronze.FEED).files == 0 and newest.exists()
    assert (contents.files(spark_copy.work.settings), contents.requests(spark_copy.work.settings)) == (before, requests)


def test_case_02_killed_between_two_tables_of_gold_the_next_run_ends_what_was_begun(
    clean: World, spark_world: World
) -> None:
    spark_world.put_all()
    killed(spark_world, "run", fail_point="replaced gold.listening_by_hour")
    assert (Path(spark_world.work.settings.storage.lake) / "silver" / "sessions").exists()
    assert not (Path(spark_world.work.settings.storage.rollups) / "acme").exists(), (
        "nothing half worked out is published"
    )
    run(spark_world.work)
    assert state(spark_world) == state(clean)


@pytest.mark.slow
def test_case_03_killed_at_random_again_and_again_it_ends_as_a_clean_run_does(clean: World, spark_world: World) -> None:
    spark_world.put_all()
    draws = random.Random(3)
    for _ in range(4):
        driver = spark_world.driver("run")
        time.sleep(draws.uniform(1, 14))
        driver.kill()
        driver.communicate(timeout=60)
    run(spark_world.work)
    assert state(spark_world) == state(clean)


def test_case_04_killed_while_it_publishes_readers_see_old_or_new_and_never_half(clean: World, copy: World) -> None:
    rollups, documents = Path(copy.work.settings.storage.rollups), Path(copy.work.settings.documents.path)
    shutil.rmtree(rollups)
    documents.unlink()
    killed(copy, "publish", fail_point="blob_written@4")  # the first is the note that it begins
    blobs = list((rollups / "acme").rglob("*.json"))
    assert len(blobs) == 3 and all(json.loads(blob.read_bytes())["tenant"] == "acme" for blob in blobs)
    assert not (rollups / "acme" / "index.json").exists(), "the index comes last: it never names what isn't there"
    for place in ("file_written@5", "documents_uncommitted", "documents_written"):
        with crashing(place), pytest.raises(Crash):
            publish(copy.work)
        assert all(json.loads(blob.read_bytes()) for blob in rollups.rglob("*.json"))
    publish(copy.work)
    assert state(copy) == state(clean)
    index = json.loads((rollups / "acme" / "index.json").read_bytes())
    assert all((rollups / "acme" / row["path"]).stat().st_size == row["size"] for row in index["rollups"])


def test_case_05_a_second_ingest_process_ends_with_a_message_and_the_first_loses_nothing(copy: World) -> None:
    before = contents.files(copy.work.settings)
    with locked(Path(copy.work.checkpoints, "writer.lock"), "ingest"):
        driver = copy.driver("ingest")
        told, _ = driver.communicate(timeout=120)
    assert driver.returncode == 1 and "(ingest) is writing to this lake; wait until it has ended" in told
    assert contents.files(copy.work.settings) == before


def test_case_06_two_jobs_at_once_are_one_job_and_a_message(world: World) -> None:
    with (
        world.work.lock("backfill"),
        pytest.raises(BusyError, match=r"\(backfill\) is writing to this lake"),
        world.work.lock("compute"),
    ):
        pytest.fail("two jobs were let in")


def test_case_06_two_jobs_over_the_same_days_without_a_lock_end_as_one_after_the_other_would(world: World) -> None:
    """As on storage that machines share."""
    rows = minute().select(pl.col(name).cast(kind) for name, kind in polars_schema(listeners_by_minute.TABLE).items())
    tables = world.work.delta_tables
    _replace_crosswise(lambda where: tables.replace(listeners_by_minute.TABLE, rows, where, Progress("t", {}, "")), 4)
    assert tables.count(listeners_by_minute.TABLE) == 1


@pytest.mark.slow
def test_case_06_two_jobs_of_spark_without_a_lock_end_as_one_after_the_other_would(
    world: World, spark: SparkSession
) -> None:
    table, tables = listeners_by_minute.TABLE, SparkTables(spark, f"{world.folder}/crossed")
    one = minute().row(0, named=True)
    frame = spark.createDataFrame([(0,)], "n INT")
    rows = frame.select(*(F.lit(one[c.name]).cast(c.type).alias(c.name) for c in table.fields))
    _replace_crosswise(lambda where: tables.replace(table, rows, where, Progress("t", {}, "")), 2)
    assert tables.read(table).count() == 1


def minute() -> pl.DataFrame:
    """A row of listeners_by_minute; its figures are all one."""
    named = {"tenant": "acme", "stream": "live", "minute_at": utc("2001-01-15 10:00"), "listened_on": day("2001-01-15")}
    return pl.DataFrame([{column: named.get(column, 1) for column in listeners_by_minute.TABLE.names}])


def _replace_crosswise(replace: Callable[[str], None], times: int) -> None:
    """Two threads replace the same rows, each so many times."""
    replace("TRUE")

    def job() -> None:
        for _ in range(times):
            retried(lambda: replace("stream = 'live'"))

    with ThreadPoolExecutor(2) as threads:
        for crossed in [threads.submit(job) for _ in range(2)]:
            crossed.result()


def test_case_07_a_checkpoint_that_is_gone_is_refused_and_a_new_epoch_makes_no_doubles(spark_copy: World) -> None:
    shutil.rmtree(Path(spark_copy.work.checkpoints, "ingest_haproxy"))
    with pytest.raises(
        CheckpointError, match="is lost, although bronze has rows; `metrics-lake ingest --reset-checkpoint`"
    ):
        ingest(spark_copy.work, bronze.FEED)
    before, requests = contents.files(spark_copy.work.settings), contents.requests(spark_copy.work.settings)
    reset_checkpoint.reset_checkpoint(spark_copy.work, bronze.FEED)
    spark_copy.put(f"{EDGE}/2001/01/15/haproxy-15-00.log.gz", packed(text([line(2 * 3600 + 5)])))
    done = ingest(spark_copy.work, bronze.FEED)
    assert (done.files, done.again) == (1, len(before)), (
        "by which rules the others were read is lost with the checkpoint"
    )
    after = contents.files(spark_copy.work.settings)
    assert len(after) == len(before) + 1 and {_unnumbered(row) for row in before} < {_unnumbered(row) for row in after}
    assert contents.requests(spark_copy.work.settings) == requests + 1


def _unnumbered(row: dict[str, Any]) -> str:
    """A row without the number of its batch."""
    return repr({name: value for name, value in row.items() if name != "batch_number"})


@pytest.mark.parametrize("harm", ["cut to nothing", "one byte flipped"])
def test_case_08_a_torn_checkpoint_is_named_with_its_remedy_and_never_begun_from_the_start(
    spark_copy: World, harm: str
) -> None:
    offsets = Path(spark_copy.work.checkpoints, "ingest_haproxy") / "query" / "offsets"
    file = max(offsets.glob("[0-9]*"), key=lambda found: int(found.name))
    content = file.read_bytes()
    file.write_bytes(b"" if harm == "cut to nothing" else content[:40] + bytes([content[40] ^ 1]) + content[41:])
    before = contents.requests(spark_copy.work.settings)
    with pytest.raises(CheckpointError, match=rf"{file.name} is torn .*--reset-checkpoint"):
        ingest(spark_copy.work, bronze.FEED)
    reset_checkpoint.reset_checkpoint(spark_copy.work, bronze.FEED)
    assert ingest(spark_copy.work, bronze.FEED).files == 0 and contents.requests(spark_copy.work.settings) == before
