"""What has arrived, by the files' own accounts in bronze, read without Spark."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from metrics_lake.bronze import haproxy
from metrics_lake.config.settings import Settings
from metrics_lake.coverage import completeness
from metrics_lake.coverage.completeness import Received
from metrics_lake.coverage.line_loss import Counted, Loss, losses
from metrics_lake.io.lake.commit_log import History
from metrics_lake.io.lake.delta_tables import SmallTables

_VERSION = ["batch_number", "file_id"]
_COUNTED = ("frontend", "process_number", "counter", "hour_at", "first_numbers", "last_numbers", "line_count")


def received(settings: Settings) -> Received:
    """Each proxy's hours; nothing before the first file has come. Jobs of one process ask again, and of 2,160
    files that is 0.17 s: what a version of bronze says is kept.
    """
    history = History(settings.storage.lake)
    which = history.lake(haproxy.TABLE), history.version(haproxy.TABLE)
    return _received(settings.storage.lake, which, tuple(settings.haproxy.expected_proxies), settings.haproxy.timezone)


@lru_cache(maxsize=1)
def _received(lake: str, _: tuple[str, int], expected: tuple[str, ...], zone: str) -> Received:
    files = SmallTables(lake).frame(haproxy.FILES, columns=completeness.COLUMNS)
    return completeness.received(completeness.arrivals(files.rows()), expected, zone)


def received_up_to(settings: Settings, batch: int) -> Received:
    """The same as it was when a batch had come, and none after it."""
    files = SmallTables(settings.storage.lake).frame(
        haproxy.FILES, pl.col("batch_number") <= batch, completeness.COLUMNS
    )
    return completeness.received(
        completeness.arrivals(files.rows()), settings.haproxy.expected_proxies, settings.haproxy.timezone
    )


def lost(settings: Settings, up_to: int | None = None) -> list[Loss]:
    """Lines lost and doubled by proxy and hour, where HAProxy numbers them; of each file its newest version counts.

    As it was when the batch `up_to` had come, if one is named.
    """
    bronze = SmallTables(settings.storage.lake)
    had_come = None if up_to is None else pl.col("batch_number") <= up_to
    files = bronze.frame(haproxy.FILES, had_come, ("path", "proxy", *_VERSION))
    newest = files.sort("batch_number").unique("path", keep="last", maintain_order=True)
    counters = bronze.frame(haproxy.COUNTERS, columns=(*_VERSION, *_COUNTED))
    held = counters.join(newest, on=_VERSION).select("proxy", *_COUNTED)
    return losses(Counted(*row) for row in held.rows())
