"""Case 21: landing and rollups in a storage that is busy, slow, cut, or lets nobody in any more: asked again, up to a
point, and then one line; the checkpoint stays, and the next run ends in the figures of a quiet day on a disk.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.io.storage.azure import AzureError
from metrics_lake.io.storage.blobs import blobs_in
from tests.stack.azurite import ACCOUNT, KEY, Azurite
from tests.stack.faulty_proxy import Fault, Proxy, before
from tests.stack.test_azure_lake import TENANTS
from tests.unit.sources.haproxy.logs import SECRET, line, text

pytestmark = pytest.mark.stack
ROOT = Path(__file__).parents[2]
LIST, READ, WRITE = r"GET .*comp=list.*landing", r"GET .*/landing/haproxy/", r"PUT .*/rollups/"
RETRIES = 3  # of what the service refuses; four in all


def figures(blobs: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """What is published, without when it was; the index tells sizes, which depend on that."""
    found = {path: json.loads(content) for path, content in blobs.items() if not path.endswith("index.json")}
    return {path: {**each, "generated_at": None} for path, each in found.items() if not path.startswith("_")}


@pytest.fixture
def container(storage: Azurite, request: pytest.FixtureRequest) -> Iterator[ContainerClient]:
    made = storage.container(f"t{abs(hash(request.node.name))}")
    yield made
    made.delete_container()


@pytest.fixture
def proxy(storage: Azurite) -> Iterator[Proxy]:
    with before(storage.port) as found:
        yield found


def run(folder: Path, place: str) -> tuple[int, str]:
    """`metrics-lake run` over a place with landing and rollups: how it ended, and what it said."""
    folder.mkdir(exist_ok=True)
    places = {
        "storage.landing": f"{place}/landing", "storage.rollups": f"{place}/rollups", "storage.lake": folder / "lake",
        "documents.path": folder / "documents.db", "tenants": folder.parent / "tenants.yaml",
        "spark.jars": ROOT / ".cache" / "jars", "spark.driver_memory": "1g",
    }  # fmt: skip
    sets = [word for key, value in places.items() for word in ("--set", f"{key}={value}")]
    done = subprocess.run(
        [sys.executable, "-m", "metrics_lake.cli", "run", "--conf", str(ROOT / "conf"), *sets],
        env={**os.environ, "METRICS_LAKE_SECRET": SECRET, "METRICS_LAKE_STORAGE_KEY": KEY},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert KEY not in done.stderr and "sig=" not in done.stderr
    return done.returncode, done.stderr


def failure(ended: tuple[int, str]) -> str:
    """The one line of a run that failed."""
    code, told = ended
    assert code == 1 and "Traceback" not in told, told
    [line] = [each for each in told.splitlines() if each.startswith("metrics-lake: ")]
    assert told.rstrip().endswith(line)
    return line


def checkpoint(folder: Path) -> dict[str, bytes]:
    found = (path for path in (folder / "lake" / "_checkpoints").rglob("*") if path.is_file())
    own = ("writer.lock", "identity.json", "read_by.json")  # written before anything is planned
    return {str(path): path.read_bytes() for path in found if path.name not in own}


def documents(folder: Path) -> list[dict[str, Any]]:
    return SqliteDocuments(str(folder / "documents.db")).between("listening", "acme", "", "~")


@pytest.mark.timeout(1800)  # six runs, each with a start of its own
def test_case_21_whatever_storage_does_the_figures_end_as_those_of_a_quiet_day(
    container: ContainerClient, proxy: Proxy, tmp_path: Path
) -> None:
    (tmp_path / "tenants.yaml").write_text(TENANTS)
    landed = tmp_path / "disk" / "landing" / "haproxy" / "edge-01"
    landed.mkdir(parents=True)
    for hour, numbers in ((16, range(40)), (17, range(40, 90))):
        log = text([line(n, f"/acme/live/{n}.ts") for n in numbers])
        (landed / f"haproxy.log-20010115-{hour}.gz").write_bytes(gzip.compress(log))
        container.upload_blob(f"landing/haproxy/edge-01/haproxy.log-20010115-{hour}.gz", gzip.compress(log))
    place = f"http://127.0.0.1:{proxy.port}/{ACCOUNT}/{container.container_name}"
    azure = tmp_path / "azure"

    proxy.faults = [Fault(LIST, times=100, status=503)]
    assert "it answers ServerBusy; the next run goes on from here" in failure(run(azure, place))
    assert proxy.faults[0].met == 1 + RETRIES, "tried again so often, and no more"
    assert not checkpoint(azure)

    proxy.faults = [Fault(READ, times=100, status=403, code="AuthenticationFailed", let_pass=2)]  # once it was planned
    assert "the key or SAS is refused: it is wrong or has expired; renew METRICS_LAKE_STORAGE_KEY" in failure(
        run(azure, place)
    )
    planned = {path: content for path, content in checkpoint(azure).items() if "manifest" in path}
    assert len(planned) == 1 and not list((azure / "lake" / "_checkpoints").rglob("commits/[0-9]*"))

    proxy.faults = [
        Fault(LIST, times=2, status=503), Fault(LIST, cut_after=80), Fault(READ, times=2, status=429, retry_after="1"),
        Fault(READ, cut_after=50), Fault(READ, seconds_a_byte=0.002), Fault(WRITE, times=2, status=503),
        Fault(WRITE, times=100, status=403, code="AuthenticationFailed", let_pass=5),
    ]  # fmt: skip
    assert "/rollups: the key or SAS is refused" in failure(run(azure, place))
    assert all(fault.met >= fault.let_pass + fault.times for fault in proxy.faults[:-1])
    assert {path: checkpoint(azure)[path] for path in planned} == planned, (
        "the batch that was begun is the one that ended"
    )
    assert not [name for name in container.list_blob_names() if str(name).endswith("index.json")]

    proxy.faults = [Fault(WRITE, times=2, status=429), Fault(WRITE, cut_after=0)]
    for folder, at in ((azure, place), (tmp_path / "disk", str(tmp_path / "disk"))):
        code, told = run(folder, at)
        assert code == 0, told
    assert all(fault.met == fault.times for fault in proxy.faults)
    there = {
        str(name).removeprefix("rollups/"): container.download_blob(str(name)).readall()
        for name in container.list_blob_names(name_starts_with="rollups/")
    }
    disk = tmp_path / "disk" / "rollups"
    here = {path.relative_to(disk).as_posix(): path.read_bytes() for path in disk.rglob("*.json")}
    assert figures(there) == figures(here) and there.keys() == here.keys()
    assert json.loads(there["acme/live/day/2001-01-15.json"])["summary"]["total_sessions"] == 1
    assert documents(azure) == documents(tmp_path / "disk") != []
    proxy.asked.clear()
    shutil.copytree(azure / "lake", tmp_path / "before")
    assert run(azure, place)[0] == 0 and not [each for each in proxy.asked if each.startswith("PUT")]


def test_case_21_an_answer_that_does_not_come_is_given_up_and_asked_for_again_as_often_as_that_is_worth(
    container: ContainerClient, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    patience = {"connection_timeout": 1, "read_timeout": 1, "retry_total": 4, "initial_backoff": 0, "increment_base": 0}
    monkeypatch.setattr("metrics_lake.io.storage.azure._PATIENCE", patience)
    blobs = blobs_in(f"http://127.0.0.1:{proxy.port}/{ACCOUNT}/{container.container_name}/rollups")
    proxy.faults = [Fault("PUT", seconds=2), Fault("GET", seconds=2), Fault("(PUT|GET)", times=3, status=429)]
    blobs.write("acme/a.json", b"{}")
    assert blobs.read("acme/a.json") == b"{}" and all(fault.met == fault.times for fault in proxy.faults)
    proxy.faults = [Fault("GET", times=100, seconds=2)]
    with pytest.raises(AzureError, match=r"it can't be reached: check .*; the next run goes on from here"):
        blobs.read("acme/a.json")
    assert 3 <= proxy.faults[0].met <= 5
