"""Which stream claims which request of some log files, and what no stream claims: before anything is ingested.

The lines are read and matched by the same functions as ingest's. Nothing is written, and no address is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from metrics_lake.config.settings import Haproxy, SettingsError
from metrics_lake.config.tenants import Tenants
from metrics_lake.io.landing.byte_pieces import LandedFile
from metrics_lake.io.landing.loose_file import texts
from metrics_lake.privacy.hashing import masked
from metrics_lake.privacy.line_shapes import path_element
from metrics_lake.sources.haproxy import log_lines, streams
from metrics_lake.sources.haproxy.file_times import FileTimes
from metrics_lake.sources.haproxy.line_classes import read_lines


@dataclass(frozen=True)
class Claims:
    """`by_stream`: tenant, stream, protocol, requests, listening (those that show it), example (a path); in file order.

    `unclaimed`: frontend, path_start, requests; the most first.
    """

    by_stream: pl.DataFrame
    unclaimed: pl.DataFrame
    line_count: int

    @property
    def claimed_count(self) -> int:
        return int(self.by_stream["requests"].sum())

    @property
    def unclaimed_count(self) -> int:
        return int(self.unclaimed["requests"].sum())


def claims(files: Sequence[LandedFile], tenants: Tenants, haproxy: Haproxy) -> Claims:
    """Reads the files and counts. Raises SettingsError where one can't be unpacked, or none has a line."""
    counted, line_count = list[pl.DataFrame](), 0
    for file in files:
        for lines, requests in _requests(file, haproxy):
            line_count += lines
            counted.append(_counted(streams.match_streams(requests, tenants)))
    if not counted:
        raise SettingsError("the files have no line; name a log with requests")
    total = _shown(_summed(pl.concat(counted)))
    return Claims(_by_stream(total, tenants), _unclaimed(total), line_count)


_FIELDS = ("frontend", "host", "path", "method", "status", "is_tcp", "is_unserved")
_BY = ("stream_number", "frontend", "path_start")


def _requests(file: LandedFile, haproxy: Haproxy) -> Iterator[tuple[int, pl.DataFrame]]:
    paths = FileTimes(paths={0: file.true_path})
    for numbered in log_lines.number_pieces(texts(file)):
        yield numbered.height, read_lines(numbered, haproxy, files=paths).requests.select(_FIELDS)


def _counted(matched: pl.DataFrame) -> pl.DataFrame:
    """By stream, frontend and first part of the path: requests, those that show listening, and a path of each."""
    start = pl.col("path").fill_null("").str.extract(r"^(/?[^/]*)").str.slice(0, 64)
    return _summed(
        matched.select(
            "stream_number", "frontend", path_start=start, requests=pl.lit(1, pl.Int64),
            listening=streams.is_evidence().fill_null(False).cast(pl.Int64), example="path",
        )
    )  # fmt: skip


def _shown(total: pl.DataFrame) -> pl.DataFrame:
    """The counts with frontends and paths as a terminal may show them: without addresses and queries."""
    example = masked(pl.col("example").str.head(256))
    start = path_element(pl.col("path_start"))
    return _summed(total.with_columns(masked(pl.col("frontend")), path_start=start, example=example))


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    totals = (pl.col("requests", "listening").sum(), pl.col("example").drop_nulls().first())
    return rows.group_by(_BY, maintain_order=True).agg(*totals)


def _by_stream(total: pl.DataFrame, tenants: Tenants) -> pl.DataFrame:
    known = streams.table(tenants).select("stream_number", "tenant", "stream", "protocol")
    claimed = total.filter(pl.col("stream_number").is_not_null()).group_by("stream_number")
    counts = claimed.agg(pl.col("requests", "listening").sum(), pl.col("example").first())
    joined = known.join(counts, on="stream_number", how="left", maintain_order="left")
    return joined.with_columns(pl.col("requests", "listening").fill_null(0)).drop("stream_number")


def _unclaimed(total: pl.DataFrame) -> pl.DataFrame:
    rows = total.filter(pl.col("stream_number").is_null()).select("frontend", "path_start", "requests")
    return rows.sort(-pl.col("requests"), "frontend", "path_start")
