"""What one blob or file refuses doesn't stop the others: a stub of the container says what a blob answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from metrics_lake.io.landing import azure_landing
from metrics_lake.io.landing.azure_landing import LandedBlob
from metrics_lake.io.landing.intake import Intake, landing_at, new_entries
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.sources.landed_file import FileEntry, UnreadableFile

PLACE = "https://acme.blob.core.windows.net/logs"
EDGE = "haproxy/edge-01/2001-01-15"
FEED = SimpleNamespace(folders=("haproxy",))
A, B, C = (f"{EDGE}/{hour}/haproxy.log" for hour in (16, 17, 18))


def refusal(status: int, code: str) -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code, error.error_code = status, code
    return error


@dataclass
class Blob:
    name: str
    size: int = 3
    metadata: dict[str, str] | None = None
    etag: str = "1"
    blob_tier: str | None = "Hot"
    last_modified: datetime = datetime(2001, 1, 15, 18, tzinfo=timezone.utc)


@dataclass
class Container:
    """Lists blobs, and answers a download with the blob's name or its error; `asked` are the names."""

    blobs: list[Blob]
    errors: dict[str, HttpResponseError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def list_blobs(self, name_starts_with: str, include: list[str]) -> list[Blob]:
        assert include == ["metadata"]
        return [blob for blob in self.blobs if blob.name.startswith(name_starts_with)]

    def download_blob(self, name: str, **_: Any) -> Any:
        self.asked.append(name)
        if name in self.errors:
            raise self.errors[name]
        return SimpleNamespace(chunks=lambda: iter([name.encode()]))


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    stub = Container([Blob(A), Blob(B), Blob(C)])
    monkeypatch.setattr(azure_landing, "container_of", lambda place: stub)
    yield stub


def planned(known: list[FileEntry]) -> tuple[list[str], dict[str, str]]:
    landing = landing_at(PLACE)
    paths = [entry.path for entry in new_entries(landing, "haproxy", known, str)]
    return paths, landing.put_off


@pytest.mark.parametrize(
    "mark",
    [
        Blob(f"{EDGE}/18", 0, {"hdi_isfolder": "true"}),
        Blob(f"{EDGE}/18", 0, {"Hdi_isfolder": "true"}),
        Blob(f"{EDGE}/18", 0, {"HDI_ISFOLDER": "True"}),
        Blob(f"{EDGE}/18/", 0),
        Blob(f"{EDGE}/18_$folder$", 0),
    ],
)  # fmt: skip
def test_a_blob_that_stands_for_a_folder_is_no_file_however_it_is_marked(container: Container, mark: Blob) -> None:
    container.blobs = [Blob(A), mark, Blob(B, 0, {"hdi_isfolder": "false"})]
    assert planned([]) == ([A, B], {})


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (409, "BlobArchived", "archived"),
        (409, "BlobBeingRehydrated", "archived"),
        (403, "AuthorizationPermissionMismatch", "not_permitted"),
        (404, "BlobNotFound", "vanished"),
        (412, "ConditionNotMet", "changed"),
        (409, "BlobUsesCustomerSpecifiedEncryption", "refused"),
    ],
)
@pytest.mark.parametrize("refused", [A, B, C])
def test_a_blob_that_is_refused_is_put_off_alone_and_read_once_it_can_be(
    container: Container, status: int, code: str, reason: str, refused: str
) -> None:
    container.errors[refused] = refusal(status, code)
    others = [path for path in (A, B, C) if path != refused]
    assert planned([]) == (others, {refused: reason})
    known = [FileEntry(path, 3, path, "", etag="1") for path in others]
    assert planned(known) == ([], {refused: reason}), "the next run goes on"
    container.errors.clear()
    assert planned(known) == ([refused], {})


def test_a_blob_that_the_listing_shows_as_archived_is_not_asked_for(container: Container) -> None:
    container.blobs[1].blob_tier = "Archive"
    assert planned([]) == ([A, C], {B: "archived"}) and container.asked == [A, C]


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AuthenticationFailed"), (404, "ContainerNotFound"), (500, "InternalError")]
)
def test_what_the_whole_container_refuses_is_an_error(container: Container, status: int, code: str) -> None:
    container.errors = dict.fromkeys((A, B, C), refusal(status, code))
    with pytest.raises(AzureError):
        planned([])


def test_a_right_that_lacks_for_every_blob_is_an_error_and_not_each_blob_s_own(container: Container) -> None:
    container.errors = dict.fromkeys((A, B, C), refusal(403, "AuthorizationPermissionMismatch"))
    known = [FileEntry(A, 3, "x", "", etag="1")]
    for entries in ([], known):
        with pytest.raises(AzureError, match="not allowed"):
            planned(entries)
    del container.errors[A]
    assert planned(known) == ([], {B: "not_permitted", C: "not_permitted"}), "a known one can be read"


def test_a_planned_blob_that_is_archived_before_it_is_read_is_quarantined_and_planned_again(
    container: Container, tmp_path: Path
) -> None:
    intake = Intake(FEED, tmp_path, str)
    batch = intake.plan(landing_at(PLACE), {}, 1 << 30)
    container.errors[B] = refusal(409, "BlobArchived")
    with pytest.raises(UnreadableFile, match="archived"):
        list(LandedBlob(PLACE, batch.entries[1], 1, str).pieces())
    container.errors.clear()
    assert intake.plan(landing_at(PLACE), {}, 1 << 30) is None
    again = {(B, batch.entries[1].content_hash)}
    later = intake.plan(landing_at(PLACE), {}, 1 << 30, again=again, unread=lambda: {batch.entries[1].content_hash})
    assert [(entry.path, entry.is_duplicate) for entry in later.entries] == [(B, False)]


def test_an_archived_blob_counts_as_lost_for_a_rebuild_and_a_read_one_is_no_trouble(
    container: Container, tmp_path: Path
) -> None:
    intake = Intake(FEED, tmp_path, str)
    intake.plan(landing_at(PLACE), {}, 1 << 30)
    container.blobs = [
        Blob(A, blob_tier="Archive"),
        Blob(B),
        Blob(C),
        Blob(f"{EDGE}/19/haproxy.log", blob_tier="Archive"),
    ]
    assert intake.readable(landing_at(PLACE)) == {B, C}
    assert intake.refused(landing_at(PLACE)) == {f"{EDGE}/19/haproxy.log": "archived"}
