"""A range of days worked out anew: their sessions from bronze, their figures from those, and what is published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from metrics_lake.jobs import downloads
from metrics_lake.jobs.compute import compute
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish.publish import Published, publish
from metrics_lake.jobs.refine import refine


def backfill(work: JobContext, days: Sequence[date]) -> Published:
    """Does the days again whether or not anything changed; what comes out the same is not published again."""
    refine(work, days=days)
    compute(work, days=days)
    downloads.compute(work, days)
    downloads.publish(work)
    return publish(work)
