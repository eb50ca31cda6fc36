"""Landing in Azurite: what is new among its blobs, and each version pinned by its ETag."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from azure.storage.blob import ContainerClient

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.io.landing.azure_landing import AzureLanding, LandedBlob
from metrics_lake.io.landing.intake import Intake, landing_at
from metrics_lake.io.landing.reader import FilesPartition, LandingReader, ReadingFailed
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.privacy.redaction import encrypted
from metrics_lake.sources.landed_file import FileEntry, UnreadableFile
from tests.stack.azurite import KEY, Azurite, sas
from tests.unit.sources.haproxy.logs import SECRET, line, rules_of, text

pytestmark = pytest.mark.stack
LOG = "haproxy/edge-01/haproxy.log-20010115-16"
LINES = text([line(n, f"/acme/live/{n}.ts") for n in range(50)])


@pytest.fixture
def container(
    storage: Azurite, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ContainerClient]:
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    made = storage.container(f"t{abs(hash(request.node.name))}")
    yield made
    made.delete_container()


def place(container: ContainerClient) -> str:
    return f"{container.url}/landing"


def put(container: ContainerClient, path: str, content: bytes) -> None:
    container.upload_blob(f"landing/{path}", content, overwrite=True)


def streamed(folder: Path) -> Intake:
    return Intake(bronze.FEED, folder / "checkpoint", lambda name: name.replace("192.0.2.7", "<address:ab>"))


def planned(stream: Intake, container: ContainerClient) -> list[FileEntry]:
    batch = stream.plan(landing_at(place(container)), {}, 1 << 30)
    return list(batch.entries) if batch else []


def blob(container: ContainerClient, entry: FileEntry) -> LandedBlob:
    return LandedBlob(place(container), entry, 1, lambda name: name.replace("192.0.2.7", "<address:ab>"))


def read(container: ContainerClient, entry: FileEntry) -> bytes:
    return b"".join(blob(container, entry).pieces())


def test_what_is_new_is_planned_once_in_order_and_by_content(container: ContainerClient, tmp_path: Path) -> None:
    stream = streamed(tmp_path)
    for path in (f"{LOG}.gz", "haproxy/a.log", "haproxy/.hidden/b.log", "haproxy/.c.log.tmp", "haproxy/d.part",
                 "app_store/e.txt", "haproxyz/f.log"):  # fmt: skip
        put(container, path, LINES)
    first, second = planned(stream, container)
    assert (first.path, second.path) == ("haproxy/a.log", f"{LOG}.gz")
    assert second.is_duplicate and not first.is_duplicate and first.etag != second.etag
    assert first.size_bytes == len(LINES) and datetime.fromisoformat(first.modified_at)
    assert planned(stream, container) == []
    put(container, "haproxy/a.log", LINES)  # touched
    assert planned(stream, container) == []
    put(container, "haproxy/a.log", LINES + LINES)
    assert [entry.size_bytes for entry in planned(stream, container)] == [2 * len(LINES)]
    assert set(stream.landed(landing_at(place(container)))) == {"haproxy/a.log", f"{LOG}.gz"}


def test_a_blob_that_is_known_by_its_etag_is_not_fetched_again(
    container: ContainerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = streamed(tmp_path)
    put(container, LOG, LINES)
    assert planned(stream, container)

    def fetched(*_: object, **__: object) -> None:
        raise AssertionError("it was fetched")

    monkeypatch.setattr("metrics_lake.io.landing.azure_landing._chunks", fetched)
    assert planned(stream, container) == []


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [("a.log", LINES, LINES), ("a.log.gz", gzip.compress(LINES), LINES), ("a.log", gzip.compress(LINES), LINES),
     ("a.log.gz", LINES, LINES), ("a.log.zst", pa.compress(LINES, codec="zstd", asbytes=True), LINES),
     ("empty.log", b"", b""), ("empty.log.gz", b"", b"")],
)  # fmt: skip
def test_a_blob_is_read_however_it_is_packed(
    container: ContainerClient, tmp_path: Path, name: str, content: bytes, found: bytes
) -> None:
    put(container, f"haproxy/{name}", content)
    [entry] = planned(streamed(tmp_path), container)
    assert read(container, entry) == found


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("a.log.gz", b"PK\x03\x04" + LINES, "packed_zip"), ("a.log.gz", gzip.compress(LINES)[:-12], "gzip_truncated")],
)
def test_a_damaged_blob_gives_a_reason(
    container: ContainerClient, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    put(container, f"haproxy/{name}", content)
    [entry] = planned(streamed(tmp_path), container)
    with pytest.raises(UnreadableFile, match=reason):
        read(container, entry)


def test_case_15_a_blob_that_changes_after_it_was_planned_is_put_off_to_the_next_plan(
    container: ContainerClient, tmp_path: Path
) -> None:
    stream = streamed(tmp_path)
    put(container, LOG, LINES)
    [before] = planned(stream, container)
    put(container, LOG, LINES + LINES)
    with pytest.raises(UnreadableFile, match="changed"):
        read(container, before)
    [after] = planned(stream, container)
    assert read(container, after) == LINES + LINES
    container.delete_blob(f"landing/{LOG}")
    with pytest.raises(UnreadableFile, match=r"vanished|changed"):
        read(container, after)


def test_case_15_a_blob_that_changes_while_it_is_planned_is_put_off_too(container: ContainerClient) -> None:
    landing = AzureLanding(place(container))
    put(container, LOG, LINES)
    [seen] = landing.files("haproxy")
    put(container, LOG, LINES + LINES)
    assert landing.changed(seen, {}, set(), str) is None
    [seen] = landing.files("haproxy")
    entry = landing.changed(seen, {}, set(), str)
    assert entry and entry.size_bytes == 2 * len(LINES)


def test_a_blob_with_an_address_in_its_name_is_found_by_its_mark(container: ContainerClient, tmp_path: Path) -> None:
    put(container, "haproxy/192.0.2.7/a.log", LINES)
    [entry] = planned(streamed(tmp_path), container)
    assert entry.path == "haproxy/<address:ab>/a.log" and read(container, entry) == LINES
    assert blob(container, entry).true_path == "haproxy/192.0.2.7/a.log"


def test_case_21_a_worker_without_rights_fails_in_one_line_and_the_batch_stays(
    container: ContainerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    stream = streamed(tmp_path)
    put(container, LOG, LINES)
    assert stream.plan(AzureLanding(place(container)), encrypted(rules_of()), 1 << 30)
    options = {"manifest": str(tmp_path / "checkpoint" / "manifest"), "feed": "metrics_lake.bronze.haproxy"}
    monkeypatch.delenv("METRICS_LAKE_STORAGE_KEY")
    monkeypatch.setenv("METRICS_LAKE_STORAGE_SAS", sas(str(container.container_name), "wl"))
    with pytest.raises(
        ReadingFailed, match=r"not allowed \(\w+\): the key is wrong, the SAS or identity lacks"
    ) as error:
        list(LandingReader(options).read(FilesPartition(1, (0,))))
    assert "sig=" not in str(error.value)
    monkeypatch.setenv("METRICS_LAKE_STORAGE_SAS", sas(str(container.container_name), "rl"))
    rows = pl.concat(pl.from_arrow(part) for part in LandingReader(options).read(FilesPartition(1, (0,))))
    assert rows.filter(pl.col("row_kind") == "file")["accepted_count"].to_list() == [50]


def test_a_container_that_is_not_there_is_named(storage: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    with pytest.raises(AzureError, match="there is no such container: make it, or mend the setting"):
        list(AzureLanding(storage.url("nowhere")).files("haproxy"))
