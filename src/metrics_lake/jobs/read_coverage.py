"""Reads what has arrived, and which lines were lost, from bronze. No Spark."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

import polars as pl

from metrics_lake.bronze import haproxy
from metrics_lake.config.settings import Settings
from metrics_lake.coverage import completeness
from metrics_lake.coverage.completeness import Coverage
from metrics_lake.coverage.line_loss import CounterRow, LineLoss, line_losses
from metrics_lake.io.lake.commit_log import CommitLog
from metrics_lake.io.lake.delta_tables import DeltaTables

_FILE_VERSION = ["batch_number", "file_id"]
_COUNTER_COLUMNS = ("frontend", "process_number", "counter", "hour_at", "first_numbers", "last_numbers", "line_count")


def coverage(settings: Settings, now: datetime | None = None) -> Coverage:
    """Each proxy's received and missing hours; none before the first file. With `now`, old gaps are given up.

    The answer is cached by version of bronze: several jobs of one process need it, and reading takes 0.17 s for 2,160 files.
    """
    commit_log = CommitLog(settings.storage.lake)
    version = commit_log.lake_id(haproxy.TABLE), commit_log.version(haproxy.TABLE)
    expected = tuple(settings.haproxy.expected_proxies)
    received = _coverage(settings.storage.lake, version, expected, settings.haproxy.timezone)
    return replace(received, given_up_through=now - give_up(settings)) if now else received


def give_up(settings: Settings) -> timedelta:
    """How long after its end a missing hour holds `complete_through`."""
    return timedelta(hours=settings.publish.give_up_hours)


@lru_cache(maxsize=1)
def _coverage(lake: str, _: tuple[str, int], expected: tuple[str, ...], zone: str) -> Coverage:
    files = DeltaTables(lake).frame(haproxy.FILES, columns=completeness.COLUMNS)
    return completeness.coverage_of(completeness.arrivals(files.rows()), expected, zone)


def coverage_up_to(settings: Settings, batch: int) -> Coverage:
    """The coverage as it was after a batch."""
    is_earlier = pl.col("batch_number") <= batch
    files = DeltaTables(settings.storage.lake).frame(haproxy.FILES, is_earlier, completeness.COLUMNS)
    expected, zone = settings.haproxy.expected_proxies, settings.haproxy.timezone
    return completeness.coverage_of(completeness.arrivals(files.rows()), expected, zone)


def line_loss(settings: Settings, batch: int | None = None) -> list[LineLoss]:
    """Lines lost and doubled by proxy and hour, where HAProxy numbers them. Only the newest version of a file counts.

    With a batch: as it was after that batch.
    """
    bronze = DeltaTables(settings.storage.lake)
    is_earlier = None if batch is None else pl.col("batch_number") <= batch
    files = bronze.frame(haproxy.FILES, is_earlier, ("path", "proxy", *_FILE_VERSION))
    newest = files.sort("batch_number").unique("path", keep="last", maintain_order=True)
    counters = bronze.frame(haproxy.COUNTERS, columns=(*_FILE_VERSION, *_COUNTER_COLUMNS))
    newest_counters = counters.join(newest, on=_FILE_VERSION).select("proxy", *_COUNTER_COLUMNS)
    return line_losses(CounterRow(*row) for row in newest_counters.rows())
