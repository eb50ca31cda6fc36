"""Which instant a naive stamp is: HAProxy writes `%tr` in its host's zone and names no zone (docs/field-notes.md, 1).

Twice a year that leaves a doubt: the hour that comes twice, and stamps of the hour that never comes. HAProxy writes a
line when a request ends, so ends rise through a file (but for seconds between threads); a line is put where it
continues what stands before it, else where it leads up to what stands behind it.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field

import polars as pl

SECONDS = "%d/%b/%Y:%H:%M:%S"
_MINUTE, _DAY = 60_000, 86_400_000
_JITTER = 10 * _MINUTE  # how far ends may fall back in a file without the clock having been put back
_FIRST = 946_684_800_000  # 2000-01-01: before HAProxy there was no line of it
_AHEAD, _BEHIND = 2 * _DAY, 400 * _DAY
_HEADER = r"^(?:<\d+>)?(?:1 )?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) "


@dataclass
class Files:
    """What is known of the files of a run: where each lies below landing, and up to which end it was read."""

    paths: MutableMapping[int, str] = field(default_factory=dict)
    ends: MutableMapping[str, int] = field(default_factory=dict)


def naive_ms(stamp: pl.Expr) -> pl.Expr:
    """`dd/Mon/yyyy:hh:mm:ss.mmm` on a clock of no zone; seconds repeat, so they are parsed once each."""
    seconds = stamp.str.slice(0, 20).str.to_datetime(SECONDS, strict=False, cache=True)
    fraction = stamp.str.slice(21, 3).cast(pl.Int64, strict=False)
    return seconds.dt.epoch("ms") + fraction.fill_null(0)


def to_utc(requests: pl.DataFrame, zone: str, files: Files | None = None) -> pl.DataFrame:
    """`accepted_ms` in UTC from naive milliseconds on the clock of `zone` (those with `is_utc` stay as they are).

    Adds `is_time_doubtful`: the stamp fits two instants, or none, and neighbours decided.
    """
    if zone in ("UTC", "Etc/UTC"):
        return requests.with_columns(is_time_doubtful=pl.lit(False))
    is_utc = pl.col("is_utc").fill_null(False) if "is_utc" in requests.columns else pl.lit(False)
    placed = requests.with_columns(minute=pl.col("accepted_ms") // _MINUTE).join(
        _candidates(requests["accepted_ms"], zone), on="minute", how="left", maintain_order="left"
    )
    at = pl.col("accepted_ms")
    low, high = (pl.when(is_utc).then(at).otherwise(at - pl.col(name)) for name in ("east_low", "east_high"))
    placed = placed.with_columns(low=low, high=high).with_columns(is_time_doubtful=pl.col("low") != pl.col("high"))
    if placed["is_time_doubtful"].any():
        placed = _resolved(placed, files)
    done = placed.with_columns(accepted_ms="low").drop("minute", "east_low", "east_high", "low", "high")
    if files:
        _remember(done, files)
    return done


def _candidates(naive: pl.Series, zone: str) -> pl.DataFrame:
    """For each minute on the wall what is to be taken off it to get UTC: one value, or in a doubtful one two."""
    minutes = (naive // _MINUTE).unique().drop_nulls().alias("minute")
    wall = pl.from_epoch(pl.col("minute") * 60, time_unit="s")
    frame = minutes.to_frame().with_columns(
        east_low=_east(wall, zone, "earliest"), east_high=_east(wall, zone, "latest")
    )
    day = pl.duration(days=1)
    after, before = _east(wall + day, zone, "latest"), _east(wall - day, zone, "earliest")
    return frame.with_columns(
        east_low=pl.col("east_low").fill_null(after), east_high=pl.col("east_high").fill_null(before)
    )


def _east(wall: pl.Expr, zone: str, ambiguous: str) -> pl.Expr:
    instant = wall.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")  # type: ignore[arg-type]
    return wall.dt.epoch("ms") - instant.dt.epoch("ms")


def _resolved(placed: pl.DataFrame, files: Files | None) -> pl.DataFrame:
    """Each doubtful line at one of its two instants, which is left in `low`."""
    frame = placed.with_columns(
        logged=pl.col("text").str.extract(_HEADER).str.to_datetime(time_zone="UTC", strict=False).dt.epoch("ms"),
        lasting=pl.col("duration_ms").fill_null(0),
        is_wrong=impossible(placed),
        known_end=_known_ends(placed["file_number"], files),
        night=(pl.col("accepted_ms") + _DAY // 2) // _DAY,  # a change at midnight falls into one night
    ).sort("file_number", "line_number")
    is_high = _nearer_to_header().fill_null(_continues_high())
    is_high = pl.col("is_time_doubtful") & is_high
    return frame.with_columns(
        low=pl.when(is_high).then("high").otherwise("low"),
        is_time_doubtful=pl.col("is_time_doubtful") & pl.col("logged").is_null(),
    ).drop("logged", "lasting", "known_end", "night", "is_wrong")


def _known_ends(numbers: pl.Series, files: Files | None) -> pl.Expr:
    """How far each file was read before this chunk, null where this is its first."""
    paths = files.paths if files else {}
    known = {number: files.ends[path] for number, path in paths.items() if files and path in files.ends}
    return pl.col("file_number").replace_strict(known, default=None, return_dtype=pl.Int64)


def _nearer_to_header() -> pl.Expr:
    """By the syslog header, if it has a zone: it is written when the request ends."""
    off = [(pl.col("logged") - pl.col(name) - pl.col("lasting")).abs() for name in ("low", "high")]
    return off[1] < off[0]


def _continues_high() -> pl.Expr:
    """By the neighbours: the later instant, if ends would fall back with the earlier, or if it leads up to what follows."""
    low_end, high_end = (
        pl.when(~pl.col("is_wrong")).then(pl.col(name) + pl.col("lasting")) for name in ("low", "high")
    )
    reached = pl.max_horizontal(low_end.cum_max().forward_fill().shift(1).over("file_number"), "known_end")
    jumps = pl.col("is_time_doubtful") & (reached - _JITTER > low_end).fill_null(False)
    jumped = jumps.cast(pl.Int64).cum_sum().over("file_number", "night") > 0
    certain = pl.when(~pl.col("is_time_doubtful")).then(low_end)
    following = certain.cum_min(reverse=True).backward_fill().over("file_number")
    is_first = certain.cum_max().forward_fill().over("file_number").is_null() & pl.col("known_end").is_null()
    leads_up = is_first & ~jumps.any().over("file_number", "night") & (high_end <= following + _JITTER)
    return jumped | leads_up.fill_null(False)


def _remember(done: pl.DataFrame, files: Files) -> None:
    end = pl.col("accepted_ms") + pl.col("duration_ms").fill_null(0)
    possible = done.filter(~impossible(done))
    for number, reached in possible.group_by("file_number").agg(end.max()).iter_rows():
        path = files.paths.get(number)
        if path is not None and reached is not None:
            files.ends[path] = max(reached, files.ends.get(path, reached))


def impossible(requests: pl.DataFrame) -> pl.Series:
    """Whether a line's date can't be: none, before HAProxy was, or far from its file's own time.

    Far is beyond a silence of two days after, or of 400 days before, the file's median.
    """
    at, file = pl.col("accepted_ms"), "file_number"
    wrong = at.is_null() | (at < _FIRST)
    spans = requests.filter(~wrong).group_by(file).agg(span=at.max() - at.min())
    if not (spans["span"] > _AHEAD).any():
        return requests.select(wrong.alias("wrong")).to_series()
    ordered = requests.select(file, at, wrong=wrong).with_row_index().sort(file, "wrong", "accepted_ms")
    usable = pl.when(~pl.col("wrong")).then(at)
    middle = usable.quantile(0.5, interpolation="lower").over(file)
    ahead = (usable - usable.shift(1).over(file) > _AHEAD) & (usable > middle)
    behind = (usable.shift(-1).over(file) - usable > _BEHIND) & (usable < middle)
    far = (ahead.fill_null(False).cast(pl.Int64).cum_sum().over(file) > 0) | (
        behind.fill_null(False).cast(pl.Int64).cum_sum(reverse=True).over(file) > 0
    )
    return ordered.with_columns(wrong=pl.col("wrong") | far).sort("index")["wrong"]
