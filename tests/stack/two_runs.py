"""`run` over a first file and then over a second, once with landing and rollups in Azure and once on a disk, in one process.

two_runs.py FOLDER CONTAINER-URL: the files to land lie in FOLDER/logs; the storage's key is in the environment.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from azure.storage.blob import ContainerClient

from metrics_lake import settings
from metrics_lake.jobs.run import run
from metrics_lake.jobs.work import Work

ROOT = Path(__file__).parents[2]
folder, url = Path(sys.argv[1]), sys.argv[2]
container = ContainerClient.from_container_url(url, os.environ["METRICS_LAKE_STORAGE_KEY"])


def in_azure(log: Path) -> None:
    container.upload_blob(f"landing/haproxy/edge-01/{log.name}", log.read_bytes())


def on_disk(log: Path) -> None:
    (folder / "disk" / "landing" / "haproxy" / "edge-01").mkdir(parents=True, exist_ok=True)
    shutil.copy(log, folder / "disk" / "landing" / "haproxy" / "edge-01" / log.name)


def runs(own: Path, place: str, put: Callable[[Path], None]) -> None:
    places = {
        "storage.landing": f"{place}/landing", "storage.rollups": f"{place}/rollups", "storage.lake": own / "lake",
        "documents.path": own / "documents.db", "privacy.secret_file": folder / "secret",
        "tenants": folder / "tenants.yaml", "spark.jars": ROOT / ".cache" / "jars", "spark.driver_memory": "1g",
    }  # fmt: skip
    overrides = [f"{key}={value}" for key, value in places.items()]
    for log in sorted((folder / "logs").iterdir()):
        put(log)
        run(Work.of(settings.load(str(ROOT / "conf"), "local", overrides)))


runs(folder / "azure", url, in_azure)
runs(folder / "disk", str(folder / "disk"), on_disk)
