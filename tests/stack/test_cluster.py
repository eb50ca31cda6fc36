"""The whole run, submitted to a standalone cluster from a Python that has every package but this project."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack.azurite import KEY, Azurite
from tests.stack.cluster import ROOT, Cluster, cluster
from tests.stack.test_azure_lake import TENANTS, fetched, held, there
from tests.unit.sources.haproxy.logs import SECRET, line, text

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1500)]
LOGS = {
    f"haproxy/edge-01/haproxy.log-20010115-{hour}.gz": gzip.compress(
        text([line(n, f"/acme/live/{n}.ts") for n in numbers])
    )
    for hour, numbers in {16: range(60), 17: range(40, 120)}.items()
}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """As a cluster has them: files that every machine can read, named in its environment."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "secret").write_text(SECRET)
    (folder / "key").write_text(KEY)
    names = {"METRICS_LAKE_SECRET_FILE": "secret", "METRICS_LAKE_STORAGE_KEY_FILE": "key"}
    return {name: str(folder / file) for name, file in names.items()}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, secrets: dict[str, str]) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster"), secrets) as found:
        yield found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, secrets: dict[str, str]) -> Path:
    """The folder of a run on this machine, over the same logs."""
    folder = tmp_path_factory.mktemp("here")
    for path, content in LOGS.items():
        (folder / "landing" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "landing" / path).write_bytes(content)
    command = [sys.executable, "-m", "metrics_lake.cli", "run", *settings(folder, str(folder))]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **secrets}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def settings(folder: Path, place: str) -> list[str]:
    """Options of a command whose all lies below a place; Spark does the work, however little it is."""
    (folder / "conf").mkdir(parents=True)
    places = {name: f"{place}/{name}" for name in ("landing", "lake", "rollups")}
    base = {
        "storage": places,
        "documents": {"path": str(folder / "documents.db")},
        "spark": {"from_rows": 0, "from_bytes": 0},
    }
    (folder / "conf" / "base.yaml").write_text(json.dumps(base))
    (folder / "conf" / "tenants.yaml").write_text(TENANTS)
    return ["--conf", str(folder / "conf")]


def all_of(folder: Path) -> dict[str, Any]:
    """Everything that a run leaves in a folder, in a form to be compared."""
    return held(there(folder, folder / "documents.db"))


def sent_and_done(running: Cluster, arguments: list[str], secrets: dict[str, str], folder: Path) -> None:
    """Submits a run and looks at what its machines keep of it: the archive came, and no secret stayed."""
    done = running.submit("run.py", arguments, {}, secrets, folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert f"{len(LOGS)} files taken in" in done.stdout + done.stderr
    left = [path for path in running.work.rglob("*") if path.is_file()]
    assert any(path.name == "metrics_lake.zip" for path in left), "no executor had the archive"
    told = (done.stdout + done.stderr).encode()
    assert not [name for name in (SECRET, KEY) if name.encode() in told]
    assert not [path for path in left if SECRET.encode() in path.read_bytes() or KEY.encode() in path.read_bytes()]


def test_the_clean_python_has_the_packages_and_not_the_project(running: Cluster) -> None:
    script = "import polars, pyspark, metrics_lake"
    done = subprocess.run(
        [running.place.python, "-c", script], cwd=running.work, capture_output=True, text=True, check=False
    )
    assert "No module named 'metrics_lake'" in done.stderr


def test_a_run_on_a_cluster_gives_what_a_run_on_this_machine_gives(
    running: Cluster, expected: Path, secrets: dict[str, str], tmp_path: Path
) -> None:
    for path, content in LOGS.items():
        (tmp_path / "landing" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "landing" / path).write_bytes(content)
    sent_and_done(running, settings(tmp_path, str(tmp_path)), secrets, tmp_path)
    found, wanted = all_of(tmp_path), all_of(expected)
    assert {name for name in wanted if found[name] != wanted[name]} == set() and found.keys() == wanted.keys()
    assert found["requests"] == 140 and found["gold/listening_by_day"] and found["documents"]


def test_with_landing_lake_and_rollups_in_azure_s_storage_a_cluster_gives_the_same(
    running: Cluster,
    expected: Path,
    storage: Azurite,
    secrets: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    container = storage.container("cluster")
    for path, content in LOGS.items():
        container.upload_blob(f"landing/{path}", content)
    sent_and_done(running, settings(tmp_path, storage.url("cluster")), secrets, tmp_path)
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    (tmp_path / "fetched").mkdir()
    found, wanted = held(fetched(storage.url("cluster"), "documents", tmp_path / "fetched")), all_of(expected)
    assert {name for name in wanted if found[name] != wanted[name]} == set() and found.keys() == wanted.keys()
