"""What a person must know of the logs that came: captures that hold something else, streams without media, shares of lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.bronze.line_shares import StreamWithoutMedia, line_shares, share_warnings, streams_without_media
from metrics_lake.io.lake import delta
from metrics_lake.sources.haproxy.accounts import FILE
from metrics_lake.sources.haproxy.frontends import FRONTEND

CAPTURES_REMEDY = "say which header is which under haproxy.captures, then `metrics-lake run` (docs/formats.md)"
MEDIA_REMEDY = (
    'name the suffixes of its segments under media_suffixes of the stream in the tenants file, "" for paths without one, '
    "then `metrics-lake run` (docs/formats.md)"
)
_NEWEST = timedelta(days=1)


@dataclass(frozen=True)
class LogFindings:
    """Of the logs that came: what contradicts the captures, the streams without media, and shares that are high or new."""

    conflicts: tuple[str, ...] = ()
    without_media: tuple[StreamWithoutMedia, ...] = ()
    shares: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """A line for each, with its remedy."""
        conflicts = [f"captures: {text}; {CAPTURES_REMEDY}" for text in self.conflicts]
        return [*conflicts, *(f"{stream.text}; {MEDIA_REMEDY}" for stream in self.without_media), *self.shares]


def log_findings(lake: str, since: int | None = None) -> LogFindings:
    """Of the batches after `since`, or without it of the newest two days; shares are held against those before."""
    rows = delta.scanned(f"{lake}/{bronze.TABLE.path}")
    if rows is None:
        return LogFindings()
    rows = delta.with_all_columns(rows, bronze.TABLE)
    counted = rows.filter(pl.col("row_kind") == FRONTEND).select(bronze.FRONTENDS.columns).collect()
    conflicts = rows.filter(pl.col("row_kind") == FILE).select("happened_on", "batch_number", "capture_conflicts")
    files = conflicts.filter(pl.col("capture_conflicts").list.len() > 0).collect()
    newest = counted["happened_on"].max()
    is_new = pl.col("batch_number") > since if since is not None else pl.col("happened_on") >= pl.lit(newest) - _NEWEST
    now, before = counted.filter(is_new), counted.filter(~is_new)
    texts = files.filter(is_new)["capture_conflicts"].explode().drop_nulls().unique().sort()
    return LogFindings(
        conflicts=tuple(texts),
        without_media=tuple(streams_without_media(now)),
        shares=tuple(share_warnings(line_shares(now), line_shares(before))),
    )
