"""A job context that takes landing files in without Spark: the product's reader, sink and checkpoint, driven by this process.

A test that runs a hundred jobs over logs of ten lines waits for Spark's streaming alone. All else is the small way, as a
run of an hour goes it; a job that asks for Spark here fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from metrics_lake.io.landing import checkpoints
from metrics_lake.io.landing.intake import Intake
from metrics_lake.io.landing.reader import LandingReader
from metrics_lake.io.landing.sink import Sink, replaced
from metrics_lake.io.storage.failpoints import passing
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.arrow import arrow_schema
from metrics_lake.model.feeds import Feed
from tests.unit.standing import with_sum


@dataclass
class SmallJobContext(JobContext):
    """A job context without Spark."""

    @property
    def spark_tables(self):
        raise AssertionError("the small way asked for Spark")

    def read(self, feed: Feed, on_progress: Callable[[int, int], None] = lambda done, parts: None) -> None:
        passing("batch_planned")
        _read(self.intake(feed), Path(self.checkpoints, feed.checkpoint), feed, self.table_path(feed.table))
        passing("batch_read")


def _read(intake: Intake, checkpoint: Path, feed: Feed, place: str) -> None:
    """What a query does: everything planned that is not committed, as one micro-batch."""
    query = checkpoint / checkpoints.QUERY
    if not (query / "metadata").exists():
        with_sum(query / "metadata", json.dumps({"id": str(uuid4())}))
    number = len(list((query / "commits").glob("[0-9]*")))
    reader = LandingReader({"manifest": str(checkpoint / checkpoints.MANIFEST), "feed": feed.declared_in})
    done, newest = {"batch": checkpoints.committed(str(checkpoint))}, reader.latestOffset()
    with_sum(query / "offsets" / str(number), f'v1\n{{"conf":{{}}}}\n{json.dumps(newest)}')
    batches = [batch for part in reader.partitions(done, newest) for batch in reader.read(part)]
    rows = pa.Table.from_batches(batches, arrow_schema(feed.table))
    again = replaced(intake.batches_of(number))
    Sink(feed.table, place, lambda: checkpoints.query_id(str(checkpoint)), is_small=True).write_here(
        rows, number, again
    )
    with_sum(query / "commits" / str(number), 'v1\n{"nextBatchWatermarkMs":0}')
