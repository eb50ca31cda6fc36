"""Rebuild and upkeep: what may be read stays the same, what nothing needs goes."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path

import polars as pl

from metrics_lake.catalog import stored
from metrics_lake.jobs.maintain.upkeep import upkeep
from metrics_lake.jobs.read_coverage import coverage
from metrics_lake.jobs.rebuild import rebuild
from metrics_lake.jobs.refine import refine
from metrics_lake.jobs.run import run
from metrics_lake.silver import sessions
from tests.lake import contents
from tests.lake.faults.conftest import EDGE, World


def blobs(world: World) -> dict[str, bytes]:
    """Every blob of figures, byte for byte."""
    root = Path(world.work.settings.storage.rollups)
    found = (path for path in root.rglob("*.json") if not path.name.startswith("_"))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def test_a_rebuild_ends_in_the_same_lake_and_leaves_what_is_published_byte_for_byte(copy: World, clean: World) -> None:
    before = blobs(copy)
    done = rebuild(copy.work)
    assert (done.files, done.published.written) == (7, 0) and done.published.unchanged > 0
    assert blobs(copy) == before
    assert contents.everything(copy.work.settings, "acme") == contents.everything(clean.work.settings, "acme")
    assert done.old is not None and (done.old / "silver" / "sessions" / "_delta_log").is_dir()
    assert not Path(f"{copy.work.settings.storage.lake}.building").exists()
    assert run(copy.work).files == 0, "the new lake knows what it has read"


def test_case_03_upkeep_deletes_what_is_past_its_days_and_what_a_crash_left_and_changes_nothing_else(
    copy: World,
) -> None:
    copy.put(f"{EDGE}/2001/01/15/haproxy-15-00.log", b"")
    run(copy.work)
    lake, before = Path(copy.work.settings.storage.lake), contents.everything(copy.work.settings, "acme")
    orphan = next((lake / "silver" / "sessions").rglob("*.parquet")).with_name("part-99999-orphan.c000.snappy.parquet")
    orphan.write_bytes(b"left by a crash")
    old = datetime(2001, 1, 1).timestamp()
    os.utime(orphan, (old, old))
    progress = copy.work.commit_log.last(sessions.TABLE)
    upkeep(copy.work, stored(), datetime(2002, 1, 20, tzinfo=timezone.utc))
    assert contents.everything(copy.work.settings, "acme") == before and not orphan.exists()
    bronze = pl.read_delta(str(lake / "bronze" / "haproxy"))
    assert str(bronze.filter(pl.col("row_kind") == "visit")["happened_on"].min()) == "2001-01-12", (
        "400 days and no more"
    )
    [proxy] = coverage(copy.work.settings).proxies
    assert len(proxy.hours_of_kind("empty")) == 1, "that an hour came empty is not forgotten"
    after = copy.work.commit_log.last(sessions.TABLE)
    assert progress and after and after.version > progress.version, "upkeep has committed"
    assert (after.progress.watermark, after.progress.rules) == (progress.progress.watermark, progress.progress.rules)
    assert refine(copy.work) is False, "and the job knows how far it is"
    assert json.loads((Path(copy.work.settings.storage.rollups) / "acme" / "index.json").read_bytes())
