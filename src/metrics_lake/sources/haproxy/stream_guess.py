"""Which streams a log seems to serve, guessed from its requests alone: a first tenants.yaml for people who have none.

A guess is a proposal for a person, never part of a report: what a tenant's streams are stays in tenants.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import polars as pl

from metrics_lake.config.tenants import MEDIA_SUFFIXES, PLAYLIST_SUFFIXES, Match, Stream

MOST_STREAMS = 40
_LONG_MS = 10_000  # a request that lasts longer is a connection that somebody listens to, not a file
_SEGMENTS = 5  # so many names beside one another are the segments of a stream, even where no playlist is asked for
# The last folder of a rendition: a bit rate, a size, a quality, or what packagers call their tracks.
_RENDITION = re.compile(
    r"(?:(?:audio|aac|hls|v|a|stream|chunklist|rendition)?[-_]?\d+(?:k|kbps|kbit|p|bps)?|low|lo|mid|medium|med|high|hi|hq|lq)"
    r"(?:[-_]\w{1,8})?",
    re.IGNORECASE,
)


def summarise(requests: pl.DataFrame) -> pl.DataFrame:
    """Requests that a server answered, by what they asked for: frontend, is_tcp, path, count, longest_ms.

    `requests` are those of line_classes.read_lines. Summaries of parts of a log may be summarised again.
    """
    is_answered = pl.col("method").eq("GET").fill_null(False) & pl.col("status").is_in([200, 206, 304])
    return _summed(
        requests.filter(is_answered | pl.col("is_tcp")).select(
            "frontend",
            "is_tcp",
            path=pl.when(~pl.col("is_tcp")).then(pl.col("path").str.replace(r"[;#].*$", "")),
            count=pl.lit(1, dtype=pl.Int64),
            longest_ms=pl.col("duration_ms").cast(pl.Int64),
        )
    )


def merge_summaries(summaries: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The summary of a log whose parts have these; at least one."""
    return _summed(pl.concat(summaries))


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    by = ("frontend", "is_tcp", "path")
    return rows.group_by(by, maintain_order=True).agg(pl.col("count").sum(), pl.col("longest_ms").max())


def propose_streams(summary: pl.DataFrame) -> dict[str, Stream]:
    """The streams of a log by name, the one with most requests first; at most `MOST_STREAMS`."""
    paths = summary.filter(~pl.col("is_tcp"), pl.col("path").str.starts_with("/"))
    folders = _hls_folders(paths)
    in_hls = pl.any_horizontal(pl.lit(False), *(pl.col("path").str.starts_with(f"{folder}/") for folder in folders))
    mounts = (
        paths.filter(~in_hls, pl.col("longest_ms").fill_null(0) >= _LONG_MS).group_by("path").agg(pl.col("count").sum())
    )
    counted = [
        *((_requests_below(paths, folder), "hls", f"{folder}/*") for folder in folders),
        *((count, "icecast", path) for path, count in mounts.iter_rows()),
        *_tcp_frontends(summary),
    ]
    ordered = sorted(counted, key=lambda stream: (-stream[0], stream[1], stream[2]))[:MOST_STREAMS]
    return dict(_named(ordered))


def _hls_folders(paths: pl.DataFrame) -> list[str]:
    """The folders below which HLS is served, none within another; renditions count for the folder that holds them."""
    lower = pl.col("path").str.to_lowercase()
    folder = pl.col("path").str.replace(r"/[^/]*$", "")
    is_playlist = pl.any_horizontal(lower.str.ends_with(suffix) for suffix in PLAYLIST_SUFFIXES)
    is_media = pl.any_horizontal(lower.str.ends_with(suffix) for suffix in MEDIA_SUFFIXES)
    is_short = pl.col("longest_ms").fill_null(0) < _LONG_MS
    counted = paths.group_by(folder=folder).agg(
        playlists=is_playlist.sum(), segments=pl.col("path").filter(is_media & is_short).n_unique()
    )
    serving = counted.filter((pl.col("playlists") > 0) | (pl.col("segments") >= _SEGMENTS))["folder"].to_list()
    roots = {_without_rendition(name) for name in serving}
    return sorted(root for root in roots if not any(root.startswith(f"{other}/") for other in roots))


def _without_rendition(folder: str) -> str:
    parent, _, last = folder.rpartition("/")
    return parent if parent and _RENDITION.fullmatch(last) else folder


def _requests_below(paths: pl.DataFrame, folder: str) -> int:
    return int(paths.filter(pl.col("path").str.starts_with(f"{folder}/"))["count"].sum())


def _tcp_frontends(summary: pl.DataFrame) -> Iterator[tuple[int, str, str]]:
    connections = summary.filter("is_tcp", pl.col("frontend").is_not_null())
    for frontend, count in connections.group_by("frontend").agg(pl.col("count").sum()).iter_rows():
        yield count, "tcp", frontend


def _named(streams: Iterable[tuple[int, str, str]]) -> Iterator[tuple[str, Stream]]:
    names = set[str]()
    for _, protocol, place in streams:
        name = _unused(_slug(place), names)
        names.add(name)
        is_tcp = protocol == "tcp"
        match = Match(frontend=(_literal(place),)) if is_tcp else Match(path=(_literal(place),))
        yield name, Stream(protocol=protocol, match=match)  # type: ignore[arg-type]


def _literal(place: str) -> str:
    """A glob for this very place: what a glob would take for a pattern is put in brackets, but for the last star."""
    end = "*" if place.endswith("/*") else ""
    return re.sub(r"([*?\[])", r"[\1]", place.removesuffix("*") if end else place) + end


def _slug(place: str) -> str:
    words = re.sub(r"\.(mp3|aac|ogg|opus|flac|m3u8?)$", "", place.removesuffix("/*").lower())
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")[:32] or "stream"


def _unused(name: str, names: set[str]) -> str:
    number = next(n for n in range(1, len(names) + 2) if (name if n == 1 else f"{name}-{n}") not in names)
    return name if number == 1 else f"{name}-{number}"
