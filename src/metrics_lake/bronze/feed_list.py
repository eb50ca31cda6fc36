"""Every feed, in the order in which jobs process them."""

from __future__ import annotations

from metrics_lake.bronze import haproxy, store_reports
from metrics_lake.model.feeds import Feed

FEEDS: tuple[Feed, ...] = (
    haproxy.FEED,
    store_reports.FEED,
)
