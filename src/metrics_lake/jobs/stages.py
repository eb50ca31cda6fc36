"""What becomes of each feed's rows: the silver table that they are refined into, and the metrics computed from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from metrics_lake.bronze import haproxy, store_reports
from metrics_lake.gold import downloads_by_day
from metrics_lake.jobs import compute, compute_downloads, first_seen, refine, refine_downloads
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.feeds import Feed
from metrics_lake.model.tables import Table
from metrics_lake.silver import downloads, sessions


@dataclass(frozen=True)
class Stages:
    """The stages behind one feed.

    `refine(context, days=…)` updates `table`, `compute(context, days=…, metric=…)` the gold tables of `metrics`; both are
    false if nothing is due. `missing(context)` gives the paths of ingested files without which a rebuild would lose data:
    by default of all that landing no longer has.
    """

    feed: Feed
    table: Table
    refine: Callable[..., bool]
    metrics: tuple[str, ...]
    compute: Callable[..., bool]
    missing: Callable[[JobContext], Iterable[str]] | None = None


STAGES = (
    Stages(
        feed=haproxy.FEED,
        table=sessions.TABLE,
        refine=refine.refine,
        metrics=tuple(compute.METRICS),
        compute=compute.compute,
    ),
    Stages(
        feed=store_reports.FEED,
        table=downloads.TABLE,
        refine=refine_downloads.refine,
        metrics=(downloads_by_day.TABLE.name.removeprefix("gold."),),
        compute=compute_downloads.compute,
        missing=first_seen.missing_reports,
    ),
)


def stages_of(feed: Feed) -> Stages | None:
    """The stages behind a feed; None where its rows go no further than bronze."""
    return next((stages for stages in STAGES if stages.feed is feed), None)


def missing_paths(context: JobContext, feed: Feed) -> Iterable[str]:
    """The paths of a feed's ingested files without which a rebuild would lose data."""
    stages = stages_of(feed)
    if stages and stages.missing:
        return stages.missing(context)
    return first_seen.missing_paths(context, feed)
