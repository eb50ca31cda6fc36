"""What stands of days that the lake no longer holds: removed, or the publish is refused where it would be a loss. No Spark."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.storage.blobs import FolderBlobs
from metrics_lake.io.storage.failpoints import Crash, crashing
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import publish_downloads
from metrics_lake.jobs.publish.publish import PublishError, publish
from metrics_lake.serve.listening import CONTAINER
from tests.unit import standing
from tests.unit.jobs.publish.test_publish import context_of, published, settings, worked_out
from tests.unit.sources.haproxy.logs import SECRET, TENANTS

DAYS, LATER = 3, 40


@pytest.fixture(scope="module")
def lake_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of the 15th and of a day forty days later, where another one, of three days from the 15th, was published."""
    folder = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("METRICS_LAKE_SECRET", SECRET)
        environment.chdir(folder)
        published_before = context_of(folder)
        standing.write(folder / "lake", DAYS, hours_apart=24)
        worked_out(published_before)
        publish(published_before)
        shutil.rmtree(folder / "lake")
        standing.write(folder / "lake", 1)
        standing.write(folder / "lake", 1, first=LATER, hours_apart=24)
        worked_out(context_of(folder))
    return folder


@pytest.fixture
def work(lake_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobContext:
    """A copy of it."""
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(lake_folder, tmp_path, dirs_exist_ok=True)
    return context_of(tmp_path)


def everything(work: JobContext) -> tuple[dict, list[dict]]:
    """Blobs, and documents but for their revisions."""
    held = open_document_store(work.settings).between(CONTAINER, "acme", "", "~")
    return published(work), [{**document, "revision": 0} for document in held]


def clean(work: JobContext, folder: Path) -> tuple[dict, list[dict]]:
    other = replace(work, settings=settings(folder, "clean"))
    publish(other)
    return everything(other)


def test_a_lake_that_lacks_published_days_is_refused_and_nothing_is_changed(work, tmp_path):
    def standing() -> tuple[dict[Path, tuple[int, bytes]], list[dict]]:
        files = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in (tmp_path / "rollups").rglob("*.json")}
        return files, everything(work)[1]

    before = standing()
    with pytest.raises(
        PublishError, match=r"^4 rollups of days \(such as acme/_all/day/2001-01-16.json\) .*--accept-loss"
    ):
        publish(work)
    assert standing() == before


def test_a_loss_that_is_accepted_leaves_what_a_clean_publish_would(work, tmp_path):
    publish(work, accept_loss=True)
    assert everything(work) == clean(work, tmp_path)
    assert "acme/live/day/2001-02-24.json" in published(work)


@pytest.mark.parametrize("place", ["blob_written@1", "blob_written@2", "blob_written@4", "documents_written"])
def test_wherever_that_is_killed_doing_it_again_ends_the_same(work, tmp_path, place):
    with crashing(place), pytest.raises(Crash):
        publish(work, accept_loss=True)
    publish(work, accept_loss=True)
    assert everything(work) == clean(work, tmp_path)


def test_no_index_ever_names_a_blob_that_went(work, tmp_path, monkeypatch):
    delete, gone = FolderBlobs.delete, []

    def watched(blobs: FolderBlobs, path: str) -> None:
        index = json.loads((tmp_path / "rollups" / "acme" / "index.json").read_bytes())
        assert path.removeprefix("acme/") not in {row["path"] for row in index["rollups"]}
        gone.append(path)
        delete(blobs, path)

    monkeypatch.setattr(FolderBlobs, "delete", watched)
    publish(work, accept_loss=True)
    assert "acme/live/day/2001-01-17.json" in gone


def test_where_the_lake_holds_nothing_everything_goes_that_is_named_and_only_on_demand(work, tmp_path):
    before = everything(work)
    shutil.rmtree(tmp_path / "lake")
    nothing = JobContext(work.settings, TENANTS, lambda step: None)
    publish(nothing)
    assert everything(nothing) == before
    publish(nothing, accept_loss=True)
    assert everything(nothing) == ({}, [])


def test_documents_of_downloads_that_the_lake_does_not_hold_go_on_demand_too(work):
    store = open_document_store(work.settings)
    store.upsert("downloads", [{"id": "apple:1:2001-01-15:DE", "tenant": "acme", "date": "2001-01-15"}])
    assert publish_downloads.publish(work) == publish_downloads.Published()
    assert publish_downloads.publish(work, accept_loss=True) == publish_downloads.Published(removed=1)
    assert store.ids("downloads", "acme") == []


def test_rollups_and_documents_that_go_and_come_back_continue_their_revision(work, tmp_path):
    before = standing_revisions(work)
    publish(work, accept_loss=True)
    gone = before.keys() - standing_revisions(work).keys()
    assert {"acme/live/day/2001-01-16.json", "live:day:2001-01-16"} <= gone
    shutil.rmtree(tmp_path / "lake")
    standing.write(tmp_path / "lake", DAYS, hours_apart=24)
    again = JobContext(work.settings, TENANTS, lambda step: None)
    worked_out(again)
    publish(again, accept_loss=True)
    after = standing_revisions(again)
    assert before.keys() <= after.keys() and {name: after[name] - before[name] for name in gone} == dict.fromkeys(
        gone, 1
    )
    rows = json.loads((tmp_path / "rollups" / "acme" / "index.json").read_bytes())["rollups"]
    assert {f"acme/{row['path']}": row["revision"] for row in rows}.items() <= after.items()


def test_a_rollup_that_somebody_deleted_continues_the_revision_that_the_index_told(work, tmp_path):
    publish(work, accept_loss=True)
    path = "acme/live/day/2001-01-15.json"
    before = standing_revisions(work)[path]
    (tmp_path / "rollups" / path).unlink()
    publish(work, accept_loss=True)
    assert standing_revisions(work)[path] == before + 1


def standing_revisions(work: JobContext) -> dict[str, int]:
    """By path or id the revision of every blob and document that stands."""
    root = Path(work.settings.storage.rollups)
    blobs = {path.relative_to(root).as_posix(): json.loads(path.read_bytes()) for path in root.glob("acme/*/*/*.json")}
    held = {each["id"]: each for each in open_document_store(work.settings).between(CONTAINER, "acme", "", "~")}
    return {name: document["revision"] for name, document in {**blobs, **held}.items()}
