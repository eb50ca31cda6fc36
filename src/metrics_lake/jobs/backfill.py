"""A range of days processed again: silver rows from bronze, gold figures from silver, and what is published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import publish_downloads
from metrics_lake.jobs.publish.publish import Published, publish
from metrics_lake.jobs.stages import STAGES


def backfill(context: JobContext, days: Sequence[date]) -> Published:
    """Processes the days again whether or not anything changed; a result that is the same is not published again."""
    for stages in STAGES:
        stages.refine(context, days=days)
        stages.compute(context, days=days)
    publish_downloads.publish(context)
    return publish(context)
