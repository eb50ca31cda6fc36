"""Every job once, in order, over whatever is new. Nothing new is told without starting Spark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from metrics_lake.io.landing.manifest import Batch
from metrics_lake.jobs import downloads
from metrics_lake.jobs.compute import compute
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.ingest import Ingested, ingest
from metrics_lake.jobs.maintain.retry import retried
from metrics_lake.jobs.publish.publish import Published, publish
from metrics_lake.jobs.refine import refine


@dataclass(frozen=True)
class Ran:
    """What a run did."""

    ingested: Ingested
    refined: bool
    computed: bool
    published: Published
    reports: int = 0


def run(
    work: JobContext,
    on_progress: Callable[[Ingested, Batch], None] = lambda so_far, batch: None,
    *,
    accept_loss: bool = False,
) -> Ran:
    """Ingest, refine, compute, publish: logs, then reports of app downloads, whose figures the rollups hold too.

    With `accept_loss` what is published and not in this lake is removed, whichever lake it was made from.
    """
    ingested = ingest(work, on_progress)
    refined, computed = retried(lambda: refine(work)), retried(lambda: compute(work))
    reports, _ = downloads.run(work, accept_loss=accept_loss)
    return Ran(ingested, refined, computed, publish(work, accept_loss=accept_loss), reports)
