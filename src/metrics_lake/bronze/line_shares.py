"""What share of a frontend's lines lacks something: a request, an agent, a stream that claims it, media. Pure.

Lines that couldn't be read have no frontend: `bronze.rejects` has them. A share is of `line_count`, that without media of
the requests that a stream claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

_LEAST_LINES = 100  # of fewer a share says nothing
_CHANGE = 0.1


@dataclass(frozen=True)
class Lack:
    """What lines may lack: the words for it, from which share on it is high, and what to do."""

    words: str
    high: float
    remedy: str


LACKS: Mapping[str, Lack] = {
    "without_request": Lack("have no request", 0.05, "clients that speak no HTTP, or a scanner"),
    "without_agent": Lack(
        "have no user agent", 0.2, "`formats check` shows which capture is which; haproxy.captures says it"
    ),
    "unclaimed": Lack("are claimed by no stream", 0.5, "`show bronze.unclaimed` has their paths"),
    "without_media": Lack(
        "of the claimed ones ask for neither media nor a playlist",
        0.5,
        "media_suffixes of the stream names its segments",
    ),
}


@dataclass(frozen=True)
class StreamWithoutMedia:
    """A stream that claims requests of which none is for media, with an example of their paths."""

    tenant: str
    stream: str
    request_count: int
    example_path: str | None

    @property
    def text(self) -> str:
        example = f", such as {self.example_path}" if self.example_path else ""
        return f"{self.tenant}/{self.stream} has {self.request_count:,} requests and none for media{example}"


def line_shares(frontends: pl.DataFrame) -> pl.DataFrame:
    """By frontend its lines, and the share of them that has each of LACKS. Takes rows of `bronze.frontends`."""
    is_claimed = pl.col("tenant").is_not_null()
    lines, requests = pl.col("line_count"), pl.col("line_count") - pl.col("without_request_count")
    claimed = lines.filter(is_claimed).sum()
    return (
        frontends.group_by("frontend")
        .agg(
            lines.sum(),
            without_request=pl.col("without_request_count").sum() / lines.sum(),
            without_agent=pl.col("without_agent_count").sum() / lines.sum(),
            unclaimed=requests.filter(~is_claimed).sum() / lines.sum(),
            without_media=pl.when(claimed > 0).then(pl.col("without_media_count").sum() / claimed).otherwise(0.0),
        )
        .sort("frontend", nulls_last=True)
    )


def share_warnings(now: pl.DataFrame, before: pl.DataFrame) -> list[str]:
    """A line for each share of `now` that is high, or other than it was `before`. Both are of `line_shares`."""
    earlier = {row["frontend"]: row for row in before.iter_rows(named=True) if row["line_count"] >= _LEAST_LINES}
    return [
        text
        for row in now.iter_rows(named=True)
        if row["line_count"] >= _LEAST_LINES
        for name, lack in LACKS.items()
        if (text := _warning(row["frontend"], lack, row[name], (earlier.get(row["frontend"]) or {}).get(name)))
    ]


def streams_without_media(frontends: pl.DataFrame) -> list[StreamWithoutMedia]:
    """Streams of which no request was for media, though there were some. Takes rows of `bronze.frontends`."""
    counts = (
        frontends.filter(pl.col("tenant").is_not_null())
        .group_by("tenant", "stream")
        .agg(pl.col("line_count", "media_count").sum(), pl.col("example_path").min())
        .filter((pl.col("media_count") == 0) & (pl.col("line_count") > 0))
        .sort("tenant", "stream")
    )
    return [StreamWithoutMedia(*row) for row in counts.select("tenant", "stream", "line_count", "example_path").rows()]


def _warning(frontend: str | None, lack: Lack, share: float, before: float | None) -> str:
    has_changed = before is not None and abs(share - before) >= _CHANGE
    if share < lack.high and not has_changed:
        return ""
    was = f", before it were {before:.0%}" if has_changed else ""
    return f"frontend {frontend or 'without a name'}: {share:.0%} of its lines {lack.words}{was}; {lack.remedy}"
