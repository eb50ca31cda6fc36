"""What has arrived, by the files' own accounts in bronze, read without Spark."""

from __future__ import annotations

import polars as pl
from deltalake import DeltaTable

from metrics_lake.bronze import completeness, haproxy
from metrics_lake.bronze.completeness import Received
from metrics_lake.settings import Settings


def received(settings: Settings) -> Received:
    """Each proxy's hours; nothing before the first file has come."""
    place = f"{settings.storage.lake}/{haproxy.TABLE.path}"
    if not DeltaTable.is_deltatable(place):
        return Received(())
    files = pl.scan_delta(place).filter(pl.col("row_kind") == haproxy.FILES.kind).select(completeness.COLUMNS)
    found = completeness.arrivals(files.collect().rows())
    return completeness.received(found, settings.haproxy.expected_proxies, settings.haproxy.timezone)
