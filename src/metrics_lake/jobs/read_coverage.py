"""Reads what has arrived, and which lines were lost, from bronze. No Spark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

import polars as pl

from metrics_lake.bronze import haproxy
from metrics_lake.config.settings import Haproxy, Settings
from metrics_lake.coverage import completeness
from metrics_lake.coverage.completeness import Coverage
from metrics_lake.coverage.line_loss import CounterRow, LineLoss, line_losses
from metrics_lake.io.lake.commit_log import CommitLog
from metrics_lake.io.lake.delta_tables import DeltaTables
from metrics_lake.sources.haproxy.proxies import named_anew

_FILE_VERSION = ["batch_number", "file_id"]
_COUNTER_COLUMNS = ("frontend", "process_number", "counter", "hour_at", "first_numbers", "last_numbers", "line_count")


def coverage(settings: Settings, now: datetime | None = None) -> Coverage:
    """Each proxy's received and missing hours; none before the first file. With `now`, old gaps are given up.

    The answer is cached by version of bronze: several jobs of one process need it, and reading takes 0.17 s for 2,160 files.
    """
    commit_log = CommitLog(settings.storage.lake)
    version = commit_log.lake_id(haproxy.TABLE), commit_log.version(haproxy.TABLE)
    received = _coverage(settings.storage.lake, version, settings.haproxy.model_dump_json())
    return replace(received, given_up_through=now - give_up(settings)) if now else received


def give_up(settings: Settings) -> timedelta:
    """How long after its end a missing hour holds `complete_through`."""
    return timedelta(hours=settings.publish.give_up_hours)


@lru_cache(maxsize=1)
def _coverage(lake: str, _: tuple[str, int], reading: str) -> Coverage:
    return _coverage_of(lake, Haproxy.model_validate_json(reading))


def coverage_up_to(settings: Settings, batch: int) -> Coverage:
    """The coverage as it was after a batch."""
    return _coverage_of(settings.storage.lake, settings.haproxy, pl.col("batch_number") <= batch)


def _coverage_of(lake: str, reading: Haproxy, where: pl.Expr | None = None) -> Coverage:
    files = _files(lake, reading, where, completeness.COLUMNS).rows()
    return completeness.coverage_of(completeness.arrivals(files), reading.expected_proxies, reading.timezone)


def _files(lake: str, reading: Haproxy, where: pl.Expr | None, columns: Sequence[str]) -> pl.DataFrame:
    files = DeltaTables(lake).frame(haproxy.FILES, where, list({*columns, "path", "proxy", "proxy_reason"}))
    return with_proxies(files, reading).select(columns)


def with_proxies(files: pl.DataFrame, reading: Haproxy) -> pl.DataFrame:
    """Rows of bronze.files, those of older versions under the proxy that they would have now."""
    rows = files.select("path", "proxy", "proxy_reason").rows()
    names = [proxy if reason else named_anew(path, proxy or "", reading) for path, proxy, reason in rows]
    return files.with_columns(proxy=pl.Series(names, dtype=pl.String))


def line_loss(settings: Settings, batch: int | None = None) -> list[LineLoss]:
    """Lines lost and doubled by proxy and hour, where HAProxy numbers them. Only the newest version of a file counts.

    With a batch: as it was after that batch.
    """
    lake, is_earlier = settings.storage.lake, None if batch is None else pl.col("batch_number") <= batch
    files = _files(lake, settings.haproxy, is_earlier, ("path", "proxy", *_FILE_VERSION))
    newest = files.sort("batch_number").unique("path", keep="last", maintain_order=True).select(_FILE_VERSION).unique()
    counters = DeltaTables(lake).frame(haproxy.COUNTERS, columns=("proxy", *_FILE_VERSION, *_COUNTER_COLUMNS))
    # A counter of an older version has no proxy, and its file just one.
    by_file = files.unique(_FILE_VERSION, keep="first", maintain_order=True).rename({"proxy": "proxy_of_file"})
    newest_counters = counters.join(newest, on=_FILE_VERSION).join(by_file, on=_FILE_VERSION)
    rows = newest_counters.select(pl.coalesce("proxy", "proxy_of_file"), *_COUNTER_COLUMNS).rows()
    return line_losses(CounterRow(*row) for row in rows)
