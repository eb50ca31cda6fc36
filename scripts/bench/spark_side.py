"""Our side: every job once, in one process, over a fresh folder.  spark_side.py KEY=VALUE …  (settings)

Ready means: a Spark session stands and has run a first trivial job.
"""

from __future__ import annotations

import sys

from steps import Steps

from metrics_lake.bronze.haproxy import FEED
from metrics_lake.config import settings
from metrics_lake.jobs.compute import compute
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.ingest import ingest
from metrics_lake.jobs.publish.publish import publish
from metrics_lake.jobs.refine import refine


def main(overrides: list[str]) -> None:
    steps = Steps()
    work = JobContext.of(settings.load(overrides=overrides))
    with work.lock("bench"):
        work.spark_tables.spark.range(1).count()
        steps.ready()
        with steps.step("ingest"):
            steps.facts["files"] = ingest(work, FEED).files
        with steps.step("refine"):
            refine(work)
        with steps.step("compute"):
            compute(work)
        with steps.step("publish"):
            steps.facts["documents"] = publish(work).written
    steps.tell()


if __name__ == "__main__":
    main(sys.argv[1:])
