"""A publish reads and writes what changed, and wherever it is killed, the next one leaves what a clean one would. No Spark."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics_lake.config.settings import Documents, Privacy, Settings, Storage
from metrics_lake.io.storage.blobs import FolderBlobs
from metrics_lake.io.storage.failpoints import Crash, crashing
from metrics_lake.jobs.compute import compute
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import publish as publishing
from metrics_lake.jobs.publish.plan import NOTE
from metrics_lake.jobs.publish.publish import publish
from metrics_lake.jobs.refine import refine
from metrics_lake.serve.data_status import DataStatus
from tests.unit import standing
from tests.unit.drawing import utc
from tests.unit.sources.haproxy.logs import SECRET, TENANTS

DAYS = 6
BLOBS = 24


@pytest.fixture(scope="module", autouse=True)
def secret() -> Iterator[None]:
    """The secret of every lake of this module, those of its fixtures too."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("METRICS_LAKE_SECRET", SECRET)
        yield


@pytest.fixture(scope="module")
def lake_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of an hour a day, worked out and published but for its newest hour; each test has a copy of it."""
    folder = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("METRICS_LAKE_SECRET", SECRET)
        environment.chdir(folder)
        context = context_of(folder)
        standing.write(folder / "lake", DAYS - 1, hours_apart=24)
        worked_out(context)
        publish(context)
        standing.write(folder / "lake", 1, first=DAYS - 1, hours_apart=24)
        worked_out(context)
    return folder


@pytest.fixture
def work(lake_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobContext:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(lake_folder, tmp_path, dirs_exist_ok=True)
    return context_of(tmp_path)


def context_of(folder: Path) -> JobContext:
    """A lake that can be copied: the note of a publish names the file of documents, so it is given from the lake's folder."""
    relative = settings(folder, "rollups").model_copy(update={"documents": Documents(path="rollups.db")})
    return JobContext(relative, TENANTS, lambda step: None)


def settings(folder: Path, rollups: str) -> Settings:
    storage = Storage(lake=str(folder / "lake"), rollups=str(folder / rollups))
    return Settings(storage=storage, documents=Documents(path=str(folder / f"{rollups}.db")))


def worked_out(work: JobContext) -> None:
    refine(work)
    compute(work)


def published(work: JobContext) -> dict[str, Any]:
    """All that stands, index included, without what each publish says of itself."""
    root, found = Path(work.settings.storage.rollups), {}
    for path in sorted(root.rglob("*/*.json")):
        held = json.loads(path.read_bytes())
        for row in held.get("rollups", []):
            content = (path.parent / row["path"]).read_bytes()
            blob = json.loads(content)
            assert row.pop("revision") == blob["revision"] and row["status"] == blob["status"]
            assert row.pop("hash") == hashlib.sha256(content).hexdigest()[:16]
            assert row.pop("size") == len(content) and row["name"] == blob["period"]["name"]
        found[path.relative_to(root).as_posix()] = {
            name: value for name, value in held.items() if name not in ("generated_at", "revision")
        }
    return found


@pytest.fixture(scope="module")
def clean(lake_folder: Path) -> dict[str, Any]:
    """What one publish of the whole lake leaves, in a place of its own."""
    other = replace(context_of(lake_folder), settings=settings(lake_folder, "clean"))
    publish(other)
    return published(other)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of all blobs that are read."""
    asked, read = list[str](), FolderBlobs.read
    monkeypatch.setattr(FolderBlobs, "read", lambda blobs, path: asked.append(path) or read(blobs, path))
    return asked


def test_a_new_hour_reads_no_blob_of_days_that_it_does_not_touch(work, clean, reads):
    assert publish(work).written > 0
    days = {path.rpartition("/")[2] for path in reads if "/day/" in path}
    # from two days before the hour up to which data was complete: these may have become final
    assert days == {f"2001-01-{on}.json" for on in (17, 18, 19, 20)}
    assert published(work) == clean


@pytest.mark.parametrize(
    "harm",
    [
        lambda index, old: index.unlink(),
        lambda index, old: index.write_bytes(old),
        lambda index, old: index.write_text(index.read_text().replace("provisional", "final")),
    ],
    ids=["lost", "older than the blobs", "changed by hand"],
)
def test_an_index_that_is_not_the_one_last_written_is_made_of_the_blobs_again(
    work, clean, harm: Callable[[Path, bytes], Any], tmp_path
):
    index = tmp_path / "rollups" / "acme" / "index.json"
    old = index.read_bytes()
    publish(work)
    harm(index, old)
    standing.write(tmp_path / "lake", 1, first=DAYS, hours_apart=24)
    worked_out(work)
    publish(work)
    other = replace(work, settings=settings(tmp_path, "again"))
    publish(other)
    assert published(work) == published(other)


def test_an_index_names_no_blob_that_somebody_deleted_and_every_one_that_came_back(work, clean, tmp_path):
    blob = tmp_path / "rollups" / "acme" / "live" / "day" / "2001-01-16.json"
    held = blob.read_bytes()
    blob.unlink()
    publish(work)
    paths = {row["path"] for row in index_of(work)}
    assert "live/day/2001-01-16.json" not in paths and "live/day/2001-01-18.json" in paths
    blob.write_bytes(held)
    standing.write(tmp_path / "lake", 1, first=DAYS, hours_apart=24)
    worked_out(work)
    publish(work)
    assert "live/day/2001-01-16.json" in {row["path"] for row in index_of(work)}


def index_of(work: JobContext) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((Path(work.settings.storage.rollups) / "acme" / "index.json").read_bytes())[
        "rollups"
    ]
    return rows


def places() -> Iterator[str]:
    """Where a publish may be killed: after the note that it begins, some blobs, the index, its end, and amid documents."""
    yield from (f"blob_written@{number}" for number in (1, 2, 9, BLOBS + 1, BLOBS + 2, BLOBS + 3))
    yield from ("documents_uncommitted", "documents_written", "documents_written@3")


def test_wherever_a_publish_is_killed_the_next_one_leaves_what_a_clean_one_would(work, clean):
    kept = Path(work.settings.storage.rollups) / NOTE
    before = kept.read_bytes()
    for place in places():
        state = json.loads(before)
        kept.write_text(json.dumps({**state, "rules": "others"}))  # so that every blob is due
        for blob in kept.parent.glob("acme/*/*/*.json"):  # and is written, under a revision of its own
            blob.write_bytes(re.sub(rb'"unique_listeners": (?=\d)', b'"unique_listeners": 9', blob.read_bytes()))
        Path(work.settings.documents.path).unlink(missing_ok=True)
        with crashing(place), pytest.raises(Crash):
            publish(work)
        publish(work)
        assert published(work) == clean, place


def test_after_a_publish_that_was_killed_every_blob_is_read_for_the_index(work, clean, reads):
    with crashing("blob_written@2"), pytest.raises(Crash):
        publish(work)
    reads.clear()
    publish(work)
    assert {path for path in clean if not path.endswith("index.json")} <= set(reads)


def test_a_publish_under_other_settings_that_was_killed_leaves_nothing_of_them(work, clean):
    publish(work)
    others = work.settings.model_copy(update={"privacy": Privacy(key_rotation="daily")})
    with crashing("blob_written@20"), pytest.raises(Crash):
        publish(replace(work, settings=others))
    blobs = Path(work.settings.storage.rollups).glob("acme/*/*/*.json")
    assert {json.loads(blob.read_bytes())["contract"]["key_rotation"] for blob in blobs} == {"never", "daily"}
    publish(work)
    assert published(work) == clean


def test_what_a_killed_publish_called_final_is_looked_at_again_where_less_has_arrived(work, monkeypatch, tmp_path):
    """Data of another proxy came meanwhile, which is not as far: nothing else would lead back to those days."""

    def reaching(through: datetime) -> None:
        made = DataStatus(through, timedelta())
        monkeypatch.setattr(publishing, "_data_status", lambda *_: made)

    reaching(utc("2001-01-16 00:00"))
    publish(work)
    state = Path(work.settings.storage.rollups) / NOTE
    state.write_text(json.dumps({**json.loads(state.read_bytes()), "batch": 99, "gold": 99}))
    reaching(utc("2001-01-22 00:00"))
    with crashing("documents_written"), pytest.raises(Crash):
        publish(work)
    reaching(utc("2001-01-16 00:00"))
    publish(work)
    other = replace(work, settings=settings(tmp_path, "again"))
    publish(other)
    assert published(work) == published(other)


def test_a_publish_that_has_ended_is_not_done_again(work):
    publish(work)
    assert publish(work) == publishing.Published()


def test_the_list_of_tenants_is_at_the_root_where_it_is_asked_for_and_only_there(work):
    place = Path(work.settings.storage.rollups) / "tenants.json"
    publish(work)
    assert not place.exists()
    asked = work.settings.publish.model_copy(update={"tenants_list": True})
    publish(replace(work, settings=work.settings.model_copy(update={"publish": asked})))
    assert json.loads(place.read_text()) == [{"tenant": "acme", "name": "Acme"}]
    publish(work)
    assert not place.exists()
