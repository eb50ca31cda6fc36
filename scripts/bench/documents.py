"""How fast documents of hours and days are made and written, and found to stand already: three ways over the same gold.

Into SQLite, into a Cosmos DB emulator from one process, and into another emulator from Spark's workers.

    scripts/bench/documents.py [DOCUMENTS]      100,000 unless told; needs the servers of scripts/setup/stack

The emulator runs without TLS, under which it wants a new connection for each call; it is one process that minds no
throughput, so its figures are those of the client, and of two cores that all share, more than those of the service. Each
of its queries goes through all documents of a container, in a time that grows by their square unless growing_arrays.js
is loaded into it.
"""

import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from datasketches import update_theta_sketch

from metrics_lake.config.settings import Documents, Settings, Spark, Storage
from metrics_lake.config.tenants import Tenants
from metrics_lake.gold import listening_by_day, listening_by_hour
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.documents.store import DocumentStore
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import documents, documents_by_spark
from metrics_lake.serve.data_status import DataStatus

ROOT = Path(__file__).resolve().parents[2]
EMULATOR = ROOT / ".cache/stack/node/node_modules/@vercel/cosmosdb-server/lib/cli.js"
GROWING = ROOT / "scripts/bench/growing_arrays.js"
LISTENERS, DAYS = 200, 84
FIRST = date(2001, 1, 1)
TENANTS = Tenants.model_validate({"tenants": {"acme": {"name": "Acme", "timezone": "UTC"}}})


def filled(work: JobContext, count: int) -> int:
    """Gold with about so many hours and days of one tenant's streams, each with a sketch of some listeners; how many."""
    sketch = update_theta_sketch(12)
    for listener in range(LISTENERS):
        sketch.update(f"{listener:032x}")
    days = pl.DataFrame({"listened_on": [FIRST + timedelta(days=number) for number in range(DAYS)]})
    streams = pl.DataFrame(
        {"stream": ["*", *(f"stream-{number}" for number in range(max(0, count // (DAYS * 25) - 1)))]}
    )
    rows = days.join(streams, how="cross").with_columns(
        tenant=pl.lit("acme"), sessions_started=3, sessions_completed=2, sessions_active=4, listening_seconds=5000.5,
        unique_listeners=LISTENERS, unique_sketch=pl.lit(sketch.compact().serialize()), peak_listeners=3,
        length_seconds=4800.25, length_count=2, excluded=pl.lit([{"key": "bot", "value": 3}]),
    )  # fmt: skip
    start = (pl.col("listened_on").cast(pl.Datetime("us", "UTC")) + pl.duration(hours="hour_of_day")).alias("hour_at")
    hours = rows.join(pl.DataFrame({"hour_of_day": range(24)}), how="cross").with_columns(start, again=pl.lit(1))
    hours = hours.with_columns(hour_ends_at=pl.col("hour_at") + timedelta(hours=1))
    for table, new in ((listening_by_day.TABLE, rows), (listening_by_hour.TABLE, hours)):
        work.delta_tables.replace(table, new, "TRUE", Progress("compute", {"silver.sessions": 1}, "bench"))
    return rows.height + hours.height


@contextmanager
def emulator() -> Iterator[str]:
    command = ["node", "--require", GROWING, EMULATOR, "--host", "127.0.0.1", "-p", "0", "--no-ssl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield "http://" + process.stdout.readline().rpartition(" at ")[2].strip()
        finally:
            process.terminate()


def measured(name: str, count: int, write: Callable[[], object]) -> None:
    for what in ("new", "standing"):
        began = time.monotonic()
        write()
        seconds = time.monotonic() - began
        print(f"{name:<28}{what:<10}{seconds:8.1f} s{count / seconds:10,.0f} a second", flush=True)


def main(count: int) -> None:
    os.environ["METRICS_LAKE_COSMOS_KEY"] = base64.b64encode(b"any key serves the emulator here").decode()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            storage=Storage(lake=f"{folder}/lake"), documents=Documents(path=f"{folder}/documents.db"),
            spark=Spark(jars=str(ROOT / ".cache/jars")),
        )  # fmt: skip
        work = JobContext(settings, TENANTS, lambda step: None)
        days = [FIRST + timedelta(days=number) for number in range(DAYS)]
        data_status, due = DataStatus(work.calendars.bounds(days)[1], timedelta(hours=24)), filled(work, count)
        print(f"{due:,} documents")

        def here(store: DocumentStore) -> Callable[[], None]:
            return lambda: documents.write_days(work, store, "acme", days, data_status)

        measured("SQLite", due, here(open_document_store(settings)))
        work.spark_tables.read(
            listening_by_day.TABLE
        ).count()  # starts Spark, which a publish of so much has done already
        with emulator() as endpoint:
            work.settings = in_cosmos(settings, endpoint)
            measured(
                "emulator, from Spark", due, lambda: documents_by_spark.write_days(work, ["acme"], days, data_status)
            )
        with emulator() as endpoint:
            measured("emulator, from one process", due, here(open_document_store(in_cosmos(settings, endpoint))))


def in_cosmos(settings: Settings, endpoint: str) -> Settings:
    return settings.model_copy(update={"documents": Documents(store="cosmos", endpoint=endpoint, database="metrics")})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
