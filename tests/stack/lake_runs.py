"""Whole runs in one process, on a disk and in Azurite, for test_azure_lake.py to compare.

lake_runs.py whole|faults FOLDER CONTAINER-URL: the files to land lie in FOLDER/logs. What opens the storage is in the
environment. What would have been told to a person, and the command line of Spark's JVM, are printed.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from azure.storage.blob import AccessPolicy, ContainerClient, ContainerSasPermissions
from azurite import KEY, POLICY

from metrics_lake.cli.output import failures
from metrics_lake.config import settings
from metrics_lake.gold import listening_by_day
from metrics_lake.jobs.backfill import backfill
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain.upkeep import upkeep
from metrics_lake.jobs.run import run
from metrics_lake.silver import sessions

ROOT = Path(__file__).parents[2]
mode, folder, url = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
container = ContainerClient.from_container_url(url, KEY)
LOGS = sorted((folder / "logs").iterdir())


def in_azure(place: str, log: Path) -> None:
    start = place.removeprefix(url).strip("/")
    container.upload_blob(f"{start}/landing/haproxy/edge-01/{log.name}", log.read_bytes())


def on_disk(place: str, log: Path) -> None:
    there = Path(place, "landing", "haproxy", "edge-01")
    there.mkdir(parents=True, exist_ok=True)
    shutil.copy(log, there / log.name)


def work_of(name: str, place: str, on_step: Callable[[str], None] = lambda step: None, **more: object) -> JobContext:
    logged = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": f"file://{folder}/events",
              "spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false"}  # fmt: skip
    places = {
        "storage.landing": f"{place}/landing", "storage.lake": f"{place}/lake", "storage.rollups": f"{place}/rollups",
        "documents.path": folder / f"{name}.db", "privacy.secret_file": folder / "secret",
        "tenants": folder / "tenants.yaml", "spark.jars": ROOT / ".cache" / "jars", "spark.driver_memory": "1g",
        "spark.conf": logged, **more,
    }  # fmt: skip
    overrides = [f"{key}={value}" for key, value in places.items()]
    return JobContext.create(settings.load(str(ROOT / "conf"), "local", overrides), on_step)


def whole() -> None:
    """A run over a first file and one over a second; then what else has to change nothing."""
    for name, place, put, more in (
        ("disk", f"{folder}/disk", on_disk, {}),
        ("azure", f"{url}/all", in_azure, {}),
        ("mixed", f"{url}/mixed", in_azure, {"storage.lake": folder / "mixed" / "lake"}),
    ):
        for log in LOGS:
            put(place, log)
            run(work_of(name, place, **more))
    again = work_of("azure", f"{url}/all")
    upkeep(again, [sessions.TABLE, listening_by_day.TABLE], datetime(2001, 1, 20, tzinfo=timezone.utc))
    backfill(again, [date(2001, 1, 15)])


def faults() -> None:
    """Spark's own ways all through, while the rights are lost now here, now there, and a commit of the stream is lost."""
    place, by_spark = f"{url}/all", {"spark.from_rows": 0, "spark.from_bytes": 0}
    allow()
    in_azure(place, LOGS[0])
    run(work_of("azure", place, **by_spark))
    in_azure(place, LOGS[1])
    lost_at("starting Spark", place, by_spark)  # so it is the stream that finds out
    lost_at("building sessions", place, by_spark)
    run(work_of("azure", place, **by_spark))
    commits = sorted(container.list_blob_names(name_starts_with="all/lake/_checkpoints/ingest_haproxy/query/commits/"))
    container.delete_blob(commits[-1])
    run(work_of("azure", place, **by_spark))


def lost_at(step: str, place: str, more: dict[str, object]) -> None:
    with told():
        run(work_of("azure", place, lambda begun: forbid() if begun == step else None, **more))
    allow()


@contextmanager
def told() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        sys.stdout.writelines(f"told: {line}\n" for line in failures.lines(error))
    else:
        raise AssertionError("it should have failed")


def allow() -> None:
    until = datetime.now(timezone.utc) + timedelta(hours=1)
    rights = ContainerSasPermissions.from_string("rcwdl")
    container.set_container_access_policy({POLICY: AccessPolicy(rights, until, until - timedelta(hours=2))})


def forbid() -> None:
    container.set_container_access_policy({})


{"whole": whole, "faults": faults}[mode]()
spark = work_of("azure", f"{url}/all").spark_tables.spark
sys.stdout.write(Path(f"/proc/{spark.sparkContext._gateway.proc.pid}/cmdline").read_text().replace("\0", " "))
