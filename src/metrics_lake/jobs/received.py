"""What has arrived, by the files' own accounts in bronze, read without Spark."""

from __future__ import annotations

from metrics_lake.bronze import completeness, haproxy
from metrics_lake.bronze.completeness import Received
from metrics_lake.bronze.losses import Counted, Loss, losses
from metrics_lake.io.small_tables import SmallTables
from metrics_lake.settings import Settings

_VERSION = ["batch_number", "file_id"]
_COUNTED = ("frontend", "process_number", "counter", "hour_at", "first_numbers", "last_numbers", "line_count")


def received(settings: Settings) -> Received:
    """Each proxy's hours; nothing before the first file has come."""
    files = SmallTables(settings.storage.lake).frame(haproxy.FILES, columns=completeness.COLUMNS)
    found = completeness.arrivals(files.rows())
    return completeness.received(found, settings.haproxy.expected_proxies, settings.haproxy.timezone)


def lost(settings: Settings) -> list[Loss]:
    """Lines lost and doubled by proxy and hour, where HAProxy numbers them; of each file its newest version counts."""
    bronze = SmallTables(settings.storage.lake)
    files = bronze.frame(haproxy.FILES, columns=("path", "proxy", *_VERSION))
    newest = files.sort("batch_number").unique("path", keep="last", maintain_order=True)
    counters = bronze.frame(haproxy.COUNTERS, columns=(*_VERSION, *_COUNTED))
    held = counters.join(newest, on=_VERSION).select("proxy", *_COUNTED)
    return losses(Counted(*row) for row in held.rows())
