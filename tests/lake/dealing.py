"""A driver of its own for documents that Spark deals out: what it finds in gold, three times, into the account it is told.

python -m tests.lake.dealing LAKE ENDPOINT DATABASE EVENTS
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from metrics_lake.config.settings import Documents, Settings, Spark, Storage
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import documents, documents_by_spark
from tests.unit.jobs.publish.test_documents import DATA_STATUS, DAYS, TENANTS, fill

ROOT = Path(__file__).parents[2]
NAMES = tuple(TENANTS.tenants)


def steps(work: JobContext) -> Iterator[None]:
    """Gold as it is at first, the same again, and then with other figures of fewer days."""
    fill(work, DAYS)
    yield
    yield
    fill(work, [DAYS[0], *DAYS[9:]], peak=7)
    yield


def work_over(lake: str, endpoint: str, database: str, events: str = "") -> JobContext:
    places = Documents(store="cosmos", endpoint=endpoint, database=database)
    conf = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events, "spark.eventLog.compress": "false"}
    spark = Spark(jars=str(ROOT / ".cache" / "jars"), driver_memory="1g", conf=conf)
    return JobContext(Settings(storage=Storage(lake=lake), documents=places, spark=spark), TENANTS, lambda step: None)


def here(work: JobContext, store) -> None:
    """The same without Spark."""
    for _ in steps(work):
        for tenant in NAMES:
            documents.write_days(work, store, tenant, DAYS, DATA_STATUS)


def run(folder: Path, endpoint: str, database: str, key: str) -> subprocess.CompletedProcess[str]:
    """The driver's process, which alone has the key."""
    (folder / "events").mkdir()
    places = [str(folder / "lake"), endpoint, database, str(folder / "events")]
    environment = {**os.environ, "METRICS_LAKE_COSMOS_KEY": key}
    command = [sys.executable, "-m", "tests.lake.dealing", *places]
    return subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=500, check=False)


def main(lake: str, endpoint: str, database: str, events: str) -> None:
    work = work_over(lake, endpoint, database, Path(events).as_uri())
    for _ in steps(work):
        done = documents_by_spark.write_days(work, NAMES, DAYS, DATA_STATUS)
        sys.stdout.write(f"{done.written} {done.removed}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
