"""`make stack-up` and `make stack-down`: every server answers in its own words, and exactly those that were started go."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from azure.storage.blob import BlobServiceClient

from metrics_lake.config.settings import load
from metrics_lake.io.documents.cosmos import CosmosDocuments
from tests.stack.test_azure_lake import TENANTS
from tests.unit.sources.haproxy.logs import line, text

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1500)]
ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
LISTENING = ["listening", "--tenant", "acme", "--from", "2001-01-15", "--to", "2001-01-15"]
NAMED = load(str(CONF), "emulators")
Stack = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """A free port for each server."""
    probes = {name: socket.create_server(("127.0.0.1", 0)) for name in NAMED.stack}
    found = {name: probe.getsockname()[1] for name, probe in probes.items()}
    for probe in probes.values():
        probe.close()
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Path:
    """The settings as they come, on free ports."""
    made = tmp_path_factory.mktemp("stack")
    shutil.copytree(CONF, made / "conf")
    text = (CONF / "emulators.yaml").read_text()
    for name, port in NAMED.stack.items():
        text = text.replace(str(port), str(ports[name]))
    (made / "conf" / "emulators.yaml").write_text(text)
    return made


@pytest.fixture(scope="module")
def stack(folder: Path) -> Stack:
    def call(verb: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, ROOT / "scripts" / "stack" / "stack.py", verb, "--conf", folder / "conf"]
        command += ["--state", folder / "state"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)

    return call


def pids(folder: Path) -> dict[str, int]:
    return {file.stem: int(file.read_text()) for file in (folder / "state").glob("*.pid")}


def is_alive(pid: int) -> bool:
    """Whether it runs; one that has ended may wait for some time until the system's first process takes note of it."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return told.rpartition(")")[2].split()[0] != "Z"


def test_the_servers_come_up_answer_stay_up_and_go_down_again(
    folder: Path, ports: dict[str, int], stack: Stack
) -> None:
    try:
        first = stack("up")
        assert first.returncode == 0, first.stderr
        began = pids(folder)
        assert began.keys() == ports.keys() and all(map(is_alive, began.values()))
        secrets = dict(line.removeprefix("export ").split("=") for line in first.stdout.splitlines())
        assert all(Path(file).stat().st_mode & 0o777 == 0o600 for file in secrets.values())
        _all_answer(ports, {name: Path(file).read_text() for name, file in secrets.items()})
        _a_run_works(folder, ports, secrets)
        again = stack("up")
        assert again.returncode == 0 and again.stdout == first.stdout and pids(folder) == began
        assert again.stderr.count("as before") == len(ports)
    finally:
        down = stack("down")
    assert down.returncode == 0 and all(name in down.stderr for name in ports)
    assert not any(map(is_alive, began.values())) and not (folder / "state").exists()
    assert "nothing was running" in stack("down").stderr


def _all_answer(ports: dict[str, int], secrets: dict[str, str]) -> None:
    credential = {"account_name": "devstoreaccount1", "account_key": secrets["METRICS_LAKE_STORAGE_KEY_FILE"]}
    blobs = BlobServiceClient(f"http://127.0.0.1:{ports['azurite']}/devstoreaccount1", credential=credential)
    assert [each.name for each in blobs.list_containers()] == ["lake", "landing", "rollups"]
    key = secrets["METRICS_LAKE_COSMOS_KEY_FILE"]
    documents = CosmosDocuments(f"https://127.0.0.1:{ports['cosmos']}/", "metrics", key)
    documents.upsert("listening", [{"id": "a", "tenant": "acme", "revision": 1}])
    assert [each["id"] for each in documents.between("listening", "acme", "a", "b")] == ["a"]
    with urllib.request.urlopen(f"http://127.0.0.1:{ports['gcs']}/storage/v1/b", timeout=10) as answer:
        assert b'"reports"' in answer.read()
    with socket.create_connection(("127.0.0.1", ports["redis"]), 10) as redis:
        redis.sendall(b"SET a 1\r\nGET a\r\n")
        assert redis.recv(64).startswith(b"+OK")
    with socket.create_connection(("127.0.0.1", ports["kafka"]), 10) as kafka:
        kafka.sendall(bytes.fromhex("0000000a 0012 0000 00000007 ffff"))  # ApiVersions, the seventh question
        assert kafka.recv(8)[4:] == (7).to_bytes(4, "big")


def _a_run_works(folder: Path, ports: dict[str, int], secrets: dict[str, str]) -> None:
    """With landing, lake and rollups in Azurite and documents in the emulator of Cosmos DB, as `--env emulators` has it."""
    (folder / "conf" / "tenants.yaml").write_text(TENANTS)
    account = f"http://127.0.0.1:{ports['azurite']}/devstoreaccount1"
    key = {
        "account_name": "devstoreaccount1",
        "account_key": Path(secrets["METRICS_LAKE_STORAGE_KEY_FILE"]).read_text(),
    }
    log = gzip.compress(text([line(n, f"/acme/live/{n}.ts") for n in range(60)]))
    path = "haproxy/edge-01/haproxy.log-20010115-16.gz"
    BlobServiceClient(account, credential=key).get_blob_client("landing", path).upload_blob(log)
    told = [_called(folder, secrets, *words) for words in (["run"], ["run"], [*LISTENING, "--format", "csv"])]
    assert "1 files taken in" in told[0] and "0 files taken in, 0 rollups written" in told[1]
    assert "2001-01-15" in told[2]


def _called(folder: Path, secrets: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "metrics_lake.cli", *words, "--env", "emulators", "--conf", str(folder / "conf")]
    environment = {**os.environ, **secrets}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1000, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def test_a_port_that_another_program_has_is_told_in_one_line_and_nothing_is_started(
    folder: Path, ports: dict[str, int], stack: Stack
) -> None:
    with socket.create_server(("127.0.0.1", ports["redis"])):
        refused = stack("up")
    assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1
    assert f"port {ports['redis']} is taken, which redis wants" in refused.stderr and "stack.redis" in refused.stderr
    assert not pids(folder)
    stack("down")


def test_the_settings_for_the_servers_have_all_of_azure_s_and_their_addresses_the_ports_that_are_taken() -> None:
    azure, own = (yaml.safe_load((CONF / f"{name}.yaml").read_text()) for name in ("azure", "emulators"))
    assert all(azure[section].keys() <= own[section].keys() for section in azure)
    assert NAMED.stack == {"azurite": 10000, "cosmos": 10255, "gcs": 4443, "redis": 6390, "kafka": 9092}
    places = (NAMED.storage.landing, NAMED.storage.lake, NAMED.storage.rollups)
    assert all(place.startswith("http://127.0.0.1:10000/devstoreaccount1/") for place in places)
    assert NAMED.documents.store == "cosmos" and NAMED.documents.endpoint == "https://127.0.0.1:10255/"
    assert NAMED.google_play.url == "http://127.0.0.1:4443"
