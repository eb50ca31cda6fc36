"""Every job once, in order, on new data. If nothing is new, it ends without starting Spark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.ingest import Ingested, OnProgress, ingest
from metrics_lake.jobs.maintain.retry import retried
from metrics_lake.jobs.publish import publish_downloads
from metrics_lake.jobs.publish.publish import Published, publish
from metrics_lake.jobs.stages import stages_of


@dataclass(frozen=True)
class Ran:
    """What a run did: by the feed's name what was ingested, refined and computed; and what was published."""

    ingested: Mapping[str, Ingested]
    refined: Mapping[str, bool]
    computed: Mapping[str, bool]
    published: Published

    @property
    def files(self) -> int:
        """How many files were ingested, of every feed."""
        return sum(ingested.files for ingested in self.ingested.values())


def run(context: JobContext, on_progress: OnProgress = lambda so_far, batch: None, *, accept_loss: bool = False) -> Ran:
    """Ingests, refines and computes feed after feed, then publishes: downloads first, since rollups contain them.

    With `accept_loss` everything published that is not in this lake is removed, whichever lake it came from.
    """
    ingested, refined, computed = dict[str, Ingested](), dict[str, bool](), dict[str, bool]()
    for feed in FEEDS:
        ingested[feed.name] = ingest(context, feed, on_progress)
        if stages := stages_of(feed):
            refined[feed.name] = retried(partial(stages.refine, context))
            computed[feed.name] = retried(partial(stages.compute, context))
    publish_downloads.publish(context, accept_loss=accept_loss)
    return Ran(ingested, refined, computed, publish(context, accept_loss=accept_loss))
