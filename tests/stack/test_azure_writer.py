"""A lake in Azurite without Spark: one writer, a checkpoint that is looked at, and what is refused, in a line each."""

from __future__ import annotations

import base64
import json
import pickle
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobClient, BlobLeaseClient

from metrics_lake.cli import main
from metrics_lake.cli.screens import lake_checks as findings
from metrics_lake.config.settings import Settings, Storage
from metrics_lake.io.landing import checkpoints
from metrics_lake.io.landing.checkpoints import CheckpointError
from metrics_lake.io.landing.reader import LandingReader
from metrics_lake.io.storage import leases
from metrics_lake.io.storage.azure_blobs import AzureBlobs
from metrics_lake.io.storage.files import BusyError
from metrics_lake.io.storage.leases import LeaseLost, leased
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain import reset_checkpoint
from metrics_lake.jobs.rebuild import RebuildError, rebuild
from tests.stack.azurite import KEY, Azurite, sas
from tests.unit import standing
from tests.unit.sources.haproxy.logs import SECRET, TENANTS

pytestmark = pytest.mark.stack
OTHER_KEY = base64.b64encode(b"the key of another account, and not of this one at all").decode()
CHECKPOINT = "_checkpoints/ingest_haproxy"


@pytest.fixture
def place(storage: Azurite, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder of a container of the test's own."""
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    name = f"t{abs(hash(request.node.name))}"
    container = storage.container(name)
    yield f"{storage.url(name)}/lake"
    container.delete_container()


def container(place: str) -> str:
    return place.split("/")[-2]


@pytest.mark.parametrize("right", ["KEY", "SAS"])
def test_a_second_writer_is_told_who_the_first_is_and_may_write_when_it_has_ended(
    place: str, monkeypatch: pytest.MonkeyPatch, right: str
) -> None:
    if right == "SAS":
        monkeypatch.delenv("METRICS_LAKE_STORAGE_KEY")
        monkeypatch.setenv("METRICS_LAKE_STORAGE_SAS", sas(container(place)))
    lock = f"{place}/_checkpoints/writer.lock"
    with (
        leased(lock, "run"),
        pytest.raises(BusyError, match=r"process \d+ of \S+ \(run\) is writing to this lake; wait until"),
        leased(lock, "upkeep"),
    ):
        raise AssertionError("there are two")
    with leased(lock, "upkeep"):
        assert b"(upkeep)" in (AzureBlobs(place).read("_checkpoints/writer.lock") or b"")


def test_a_writer_that_died_lets_go_by_itself(place: str) -> None:
    lock = f"{place}/_checkpoints/writer.lock"
    with leased(lock, "run"):
        pass
    BlobClient.from_blob_url(lock, KEY).acquire_lease(15)  # as one that renews no more
    with pytest.raises(BusyError), leased(lock, "run"):
        pass
    for _ in range(60):
        try:
            with leased(lock, "run"):
                return
        except BusyError:
            time.sleep(0.5)
    raise AssertionError("it was never let go")


def test_work_whose_lease_is_broken_is_broken_off_and_says_so(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_RENEWAL_SECONDS", 0.2)
    lock, begun = f"{place}/_checkpoints/writer.lock", time.monotonic()
    said = r"the lease of this lake was lost .*: nothing more was written; run again"
    with pytest.raises(LeaseLost, match=said), leased(lock, "run"):
        time.sleep(1)  # so long it is renewed
        BlobLeaseClient(BlobClient.from_blob_url(lock, KEY)).break_lease(0)
        time.sleep(60)
    assert time.monotonic() - begun < 30


def test_a_lease_that_can_not_be_renewed_for_a_while_counts_as_lost(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError("the net is away")

    monkeypatch.setattr(leases, "_RENEWAL_SECONDS", 0.2)
    monkeypatch.setattr("azure.storage.blob.BlobLeaseClient.renew", failing)
    with pytest.raises(LeaseLost), leased(f"{place}/_checkpoints/writer.lock", "run"):
        time.sleep(60)


def test_a_lost_lease_that_something_swallows_is_told_again(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_RENEWAL_SECONDS", 0.5)
    lock, swallowed = f"{place}/_checkpoints/writer.lock", False
    with pytest.raises(LeaseLost), leased(lock, "run"):
        BlobLeaseClient(BlobClient.from_blob_url(lock, KEY)).break_lease(0)
        try:
            time.sleep(60)
        except LeaseLost:
            swallowed = True
        time.sleep(60)
    assert swallowed


def put_lake(place: str, folder: Path) -> AzureBlobs:
    """A lake with two batches, as ABFS leaves it: without checksums."""
    standing.write(folder)
    blobs = AzureBlobs(place)
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.endswith(".crc"):
            blobs.write(path.relative_to(folder).as_posix(), path.read_bytes())
    return blobs


def work_of(place: str) -> JobContext:
    return JobContext(Settings(storage=Storage(lake=place, landing=place)), TENANTS, lambda step: None)


def cut(path: str) -> Callable[[AzureBlobs], None]:
    return lambda blobs: blobs.write(path, (blobs.read(path) or b"")[:5])


def lost(*paths: str) -> Callable[[AzureBlobs], None]:
    def lose(blobs: AzureBlobs) -> None:
        for path in blobs.sizes(""):
            if path.startswith(paths):
                blobs.delete(path)

    return lose


HARMS = {
    "offsets cut": (cut(f"{CHECKPOINT}/query/offsets/1"), "offsets/1 is torn"),
    "commits cut": (cut(f"{CHECKPOINT}/query/commits/1"), "commits/1 is torn"),
    "metadata lost": (lost(f"{CHECKPOINT}/query/metadata"), "metadata is torn or lost"),
    "the query lost": (lost(f"{CHECKPOINT}/query/"), "query is lost, although bronze has rows"),
    "the manifest lost": (lost(f"{CHECKPOINT}/manifest/"), "manifest is lost: batch 2 isn't there"),
    "a checkpoint out of a backup": (
        lost(f"{CHECKPOINT}/query/offsets/1", f"{CHECKPOINT}/query/commits/1"), "query is older than bronze",
    ),
}  # fmt: skip


@pytest.mark.parametrize("harm", HARMS)
def test_a_checkpoint_in_azure_that_can_not_be_trusted_is_told_and_a_new_one_begins_behind_bronze(
    place: str, tmp_path: Path, harm: str
) -> None:
    blobs, work = put_lake(place, tmp_path / "lake"), work_of(place)
    table = work.table_path(standing.TABLE)
    work.intake(standing.FEED).check(table)
    assert work.intake(standing.FEED).committed == 2
    HARMS[harm][0](blobs)
    with pytest.raises(CheckpointError, match=HARMS[harm][1]):
        work.intake(standing.FEED).check(table)
    assert reset_checkpoint.reset_checkpoint(work, standing.FEED) == 2
    work.intake(standing.FEED).check(table)
    assert (work.intake(standing.FEED).committed, len(work.intake(standing.FEED).manifest.entries())) == (2, 2)
    assert checkpoints.start(f"{place}/{CHECKPOINT}") == 2
    assert not blobs.sizes(f"{CHECKPOINT}/query")


def test_a_new_epoch_that_is_cut_short_is_found(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_lake(place, tmp_path / "lake")
    work, deleted = work_of(place), AzureBlobs.delete

    def dying(self: AzureBlobs, path: str) -> None:
        deleted(self, path)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(AzureBlobs, "delete", dying)
        reset_checkpoint.reset_checkpoint(work, standing.FEED)
    with pytest.raises(CheckpointError, match="metadata is torn or lost"):
        work.intake(standing.FEED).check(work.table_path(standing.TABLE))
    reset_checkpoint.reset_checkpoint(work, standing.FEED)
    work.intake(standing.FEED).check(work.table_path(standing.TABLE))


def test_a_rebuild_is_refused_with_what_to_do_instead(place: str, tmp_path: Path) -> None:
    blobs, work = put_lake(place, tmp_path / "lake"), work_of(place)
    with pytest.raises(RebuildError, match=r"2 files that this lake was made from are no longer in"):
        rebuild(work)
    with pytest.raises(RebuildError, match=r"set storage.lake to a new folder there and run `metrics-lake run`"):
        rebuild(work, accept_loss=True)
    assert blobs.sizes("bronze")


def test_a_reader_that_is_pickled_to_a_worker_holds_no_secret(place: str) -> None:
    reader = LandingReader({"manifest": f"{place}/{CHECKPOINT}/manifest", "feed": "metrics_lake.bronze.haproxy"})
    assert reader.latestOffset() == {"batch": 0}
    assert KEY.encode() not in pickle.dumps(reader)


WRONG = {
    "key": ({"KEY": OTHER_KEY}, r"not allowed \(AuthorizationFailure\): the key is wrong"),
    "expired": ({"SAS": -1}, r"not allowed|the key or SAS is refused: it is wrong or has expired"),
    "container": ({"KEY": KEY}, "there is no such container: make it, or mend the setting"),
}


@pytest.mark.parametrize("command", ["run", "show gold.listening_by_day", "audit completeness", "upkeep"])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_opens_nothing_is_told_in_one_line_and_soon(
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: str,
    command: str,
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "tenants.yaml").write_text(json.dumps({"tenants": {}}))
    put_lake(place, tmp_path / "lake")
    secrets, said = WRONG[wrong]
    monkeypatch.delenv("METRICS_LAKE_STORAGE_KEY")
    for name, held in secrets.items():
        secret = sas(container(place), hours=held) if isinstance(held, int) else held
        monkeypatch.setenv(f"METRICS_LAKE_STORAGE_{name}", secret)
    lake = place.replace(container(place), "nowhere") if wrong == "container" else place
    begun = time.monotonic()
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--conf", str(tmp_path / "conf"), "--set", f"storage.lake={lake}"])
    told = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code == 1 and time.monotonic() - begun < 20
    assert len(told) == 1 and re.search(said, told[0]), told
    assert not [secret for secret in (KEY, OTHER_KEY, "sig=") if secret in told[0]]


def test_the_doctor_says_of_a_lake_in_azure_what_is_wrong_with_a_table(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs, settings = put_lake(place, tmp_path / "lake"), work_of(place).settings
    assert findings.lake(settings).state == "1 tables can be read" and findings.checkpoint(settings).is_right
    [part, *_] = [path for path in blobs.sizes("bronze") if path.endswith(".parquet")]
    blobs.delete(part)
    found = findings.lake(settings)
    assert not found.is_right and found.state.endswith("parquet is missing")
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", OTHER_KEY)
    for look in (findings.lake, findings.checkpoint):
        found = look(settings)
        assert not found.is_right and "not allowed" in found.state
