"""A run of store reports alone: every job behind that one feed."""

from __future__ import annotations

from metrics_lake.bronze.store_reports import FEED
from metrics_lake.jobs import compute_downloads, refine_downloads
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.ingest import ingest
from metrics_lake.jobs.maintain.retry import retried
from metrics_lake.jobs.publish import publish_downloads


def run_reports(context: JobContext) -> tuple[int, publish_downloads.Published]:
    """How many files were ingested, and what was published."""
    files = ingest(context, FEED).files
    retried(lambda: refine_downloads.refine(context))
    retried(lambda: compute_downloads.compute(context))
    return files, publish_downloads.publish(context)
