"""All of it in Azurite: whole runs, as on a disk; rights that are lost half-way; and no key or SAS in anything written."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus

import pytest
from azure.storage.blob import BlobLeaseClient

from metrics_lake import audit
from metrics_lake.audit.report import Report
from metrics_lake.cli import main
from metrics_lake.cli.screens import privacy_search as privacy
from metrics_lake.config.settings import Documents, Settings, Storage
from metrics_lake.io.storage.azure_blobs import AzureBlobs
from metrics_lake.privacy.hashing import derive_key, listener_id
from tests.lake import contents
from tests.stack.azurite import KEY, Azurite, sas_by_policy
from tests.unit.sources.haproxy.logs import line, text

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1500)]
ROOT = Path(__file__).parents[2]
REFUSED = r"not allowed \(\w+\): the key is wrong, the SAS or identity lacks a right, or a firewall is in the way"
TENANTS = """
tenants:
  acme:
    name: Acme Radio
    timezone: Africa/Johannesburg
    streams:
      live: {protocol: hls, segment_seconds: 6, match: {path: "/acme/live/*"}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the processes share: logs of two hours, the second of which lengthens sessions of the first."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("logs", "events"):
        (folder / name).mkdir()
    (folder / "tenants.yaml").write_text(TENANTS)
    for hour, numbers in ((16, range(40)), (17, range(40, 90))):
        log = text([line(n, f"/acme/live/{n}.ts") for n in numbers])
        (folder / "logs" / f"haproxy.log-20010115-{hour}.gz").write_bytes(gzip.compress(log))
    return folder


def ran(mode: str, folder: Path, url: str, **secret: str) -> str:
    """What a process printed on both its ends."""
    env = {**os.environ, "TMPDIR": str(folder / "tmp"), **{f"METRICS_LAKE_STORAGE_{k}": v for k, v in secret.items()}}
    (folder / "tmp").mkdir(exist_ok=True)
    command = [sys.executable, Path(__file__).with_name("lake_runs.py"), mode, folder, url]
    done = subprocess.run(command, cwd=ROOT, timeout=1200, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def whole(storage: Azurite, folder: Path) -> str:
    storage.container("whole")
    return ran("whole", folder, storage.url("whole"), KEY=KEY)


def fetched(url: str, name: str, to: Path) -> Settings:
    """A copy of a whole place, and settings for it."""
    blobs = AzureBlobs(url)
    for path in blobs.sizes(""):
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        (to / path).write_bytes(blobs.read(path) or b"")
    return there(to, to.parent / f"{name}.db")


def there(place: Path, documents: Path) -> Settings:
    storage = Storage(landing=f"{place}/landing", lake=f"{place}/lake", rollups=f"{place}/rollups")
    return Settings(storage=storage, documents=Documents(path=str(documents)))


def held(settings: Settings) -> dict[str, Any]:
    return {**contents.everything(settings, "acme"), "requests": contents.requests(settings)}


def test_two_runs_in_azure_make_what_two_runs_on_a_disk_do_also_after_upkeep_and_backfill(
    whole: str, storage: Azurite, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    on_disk = held(there(folder / "disk", folder / "disk.db"))
    in_azure = held(fetched(f"{storage.url('whole')}/all", "azure", folder / "fetched"))
    assert on_disk["requests"] == 90 and on_disk["gold/listening_by_day"] and on_disk["documents"]
    assert "acme/live/day/2001-01-15.json" in on_disk["rollups"]
    assert {name for name in on_disk if in_azure[name] != on_disk[name]} == set()
    assert {path.name for path in (folder / "fetched/lake/_checkpoints/ingest_haproxy/query/commits").iterdir()} == {
        "0",
        "1",
    }


def test_landing_and_rollups_in_azure_with_the_lake_on_a_disk_make_the_same(
    whole: str, storage: Azurite, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    mixed = fetched(f"{storage.url('whole')}/mixed", "mixed", folder / "half")
    (folder / "mixed" / "lake").rename(folder / "half" / "lake")
    assert held(mixed) == held(there(folder / "disk", folder / "disk.db"))


def test_rights_that_are_lost_half_way_are_told_and_the_next_run_heals_as_it_does_a_lost_commit(
    whole: str, storage: Azurite, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.container("faults")
    url, secret = storage.url("faults"), sas_by_policy("faults")
    (folder / "azure.db").rename(folder / "before.db")
    told = ran("faults", folder, url, SAS=secret)
    lines = [line for line in told.splitlines() if line.startswith("told: ")]
    assert len(lines) == 2 and "Traceback" not in told
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    found = held(fetched(f"{url}/all", "azure", folder / "healed"))
    on_disk = held(there(folder / "disk", folder / "disk.db"))
    assert {name for name in on_disk if found[name] != on_disk[name]} == set()
    [signature] = parse_qs(secret)["sig"]
    for spelling in (secret, signature, quote(signature), quote_plus(signature)):
        assert spelling not in told and not where(folder, spelling)
    assert [line for line in lines if not re.search(REFUSED, line)] == []


def test_the_key_is_in_nothing_that_was_printed_or_written(whole: str, folder: Path) -> None:
    assert "SparkSubmit" in whole and list((folder / "events").iterdir())  # the JVM's command line, and an event log
    for spelling in (KEY, quote(KEY), quote_plus(KEY), KEY.rstrip("=")):
        assert spelling not in whole and not where(folder, spelling)


def command(place: str, folder: Path, *words: str, documents: str = "azure.db") -> list[str]:
    """A command over a lake there, but for the program's name."""
    settings = {
        "storage.landing": f"{place}/landing", "storage.lake": f"{place}/lake", "storage.rollups": f"{place}/rollups",
        "documents.path": folder / documents, "privacy.secret_file": folder / "secret", "tenants": folder / "tenants.yaml",
        "spark.jars": ROOT / ".cache" / "jars", "spark.driver_memory": "1g",
    }  # fmt: skip
    options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    return [*words, "--conf", str(ROOT / "conf"), *options]


def where(folder: Path, secret: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def searched(url: str, folder: Path) -> Report:
    storage = Storage(landing=f"{url}/landing", lake=f"{url}/lake", rollups=f"{url}/rollups")
    settings = Settings(conf=str(folder), storage=storage, documents=Documents(path=str(folder / "azure.db")))
    return privacy.search(settings, None, [])


def test_an_address_in_a_table_in_azure_is_found(
    whole: str, storage: Azurite, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    monkeypatch.setenv("METRICS_LAKE_SECRET_FILE", str(folder / "secret"))
    url = f"{storage.url('whole')}/all"
    report = searched(url, folder)
    assert report.is_clean and report.file_count > 50
    assert report.address_count == 1  # found in the landed blobs
    AzureBlobs(url).write("lake/silver/sessions/left.txt", b"it was 192.0.2.7")
    assert [Path(each.file).name for each in searched(url, folder).findings] == ["left.txt"]
    AzureBlobs(url).delete("lake/silver/sessions/left.txt")


def test_a_listener_is_erased_out_of_a_lake_in_azure_to_the_last_byte(
    whole: str, storage: Azurite, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    url, secret = f"{storage.url('whole')}/all", folder / "secret"
    key = derive_key(bytes.fromhex(secret.read_text().strip()), "acme", "")
    needle = audit.search_terms(keys={"listener": bytes.fromhex(listener_id(key, "192.0.2.7", "VLC/3.0.20"))})

    def places_that_hold_it(name: str) -> int:
        fetched(url, name, folder / name)
        return len(audit.search([folder / name], needle).findings)

    assert places_that_hold_it("kept") > 1  # bronze and silver
    (folder / "who").write_text("192.0.2.7 VLC/3.0.20\n")
    main(command(url, folder, "erase", "listener", "--tenant", "acme", "--who", str(folder / "who"), "--yes"))
    said = capsys.readouterr().err
    assert "2 visits and 1 sessions deleted" in said and said.count("has lines of this listener") == 2
    assert re.search(r"no byte of the ids is left in \d+ files", said)
    assert places_that_hold_it("erased") == 0
    assert not AzureBlobs(url).sizes("rollups/acme")


def test_a_process_that_is_killed_leaves_a_lake_in_azure_that_the_next_run_ends(
    whole: str, storage: Azurite, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    container = storage.container("killed")
    url = storage.url("killed")
    for log in (folder / "logs").iterdir():
        container.upload_blob(f"landing/haproxy/edge-01/{log.name}", log.read_bytes())
    run = [sys.executable, "-m", "metrics_lake.cli", *command(url, folder, "run", documents="killed.db")]

    def ended(fail_point: str = "") -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "METRICS_LAKE_FAILPOINT": fail_point}
        return subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)

    for place in ("batch_planned", "batch_read", "replaced silver.sessions", "blob_written@3"):
        assert ended(place).returncode == -signal.SIGKILL, place
        assert re.search(r"process \d+ of \S+ \(run\) is writing to this lake", ended().stderr)
        BlobLeaseClient(container.get_blob_client("lake/_checkpoints/writer.lock")).break_lease(0)
    assert ended().returncode == 0
    on_disk = held(there(folder / "disk", folder / "disk.db"))
    found = held(fetched(url, "killed", folder / "killed"))
    assert {name for name in on_disk if found[name] != on_disk[name]} == set()
