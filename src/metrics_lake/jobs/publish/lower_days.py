"""Published days that gold shows less of: where a lake was lost, and landing has not all files any more."""

from __future__ import annotations

import json
from collections.abc import Iterator

import polars as pl

from metrics_lake.config.settings import contract
from metrics_lake.config.tenants import ALL_STREAMS
from metrics_lake.gold import listening_by_day
from metrics_lake.io.storage.blobs import Blobs
from metrics_lake.jobs.context import JobContext
from metrics_lake.serve.rollup import rollup
from metrics_lake.serve.sums import Row
from metrics_lake.sources.lookups.bots import rules_version

_ROUNDED_HOURS = 0.001


def lower_days(work: JobContext, blobs: Blobs, tenant: str) -> Iterator[str]:
    """The paths of a tenant's rollups of days, over all streams, that have more hours than gold has under the same contract."""
    terms = contract(work.settings, work.tenants.tenants[tenant], rules_version())["hash"]
    seconds = _seconds(work, tenant)
    for path, content in blobs.read_all(list(blobs.paths(f"{tenant}/{rollup.folder(ALL_STREAMS)}/day"))):
        published = _parsed(content)
        on = published.get("period", {}).get("name")
        if on not in seconds or published.get("contract", {}).get("hash") != terms:
            continue  # days that are missing altogether are another check's
        if published["summary"]["total_hours"] > seconds[on] / 3600 + _ROUNDED_HOURS:
            yield path


def _seconds(work: JobContext, tenant: str) -> dict[str, float]:
    where = (pl.col("tenant") == tenant) & (pl.col("stream") == ALL_STREAMS)
    rows = work.delta_tables.frame(listening_by_day.TABLE, where, ["listened_on", "listening_seconds"])
    return {on.isoformat(): seconds for on, seconds in rows.iter_rows()}


def _parsed(content: bytes | None) -> Row:
    """A rollup; empty where it is torn."""
    try:
        published: Row = json.loads(content or b"{}")
    except ValueError:
        return {}
    return published
