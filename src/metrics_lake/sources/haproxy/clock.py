"""From timestamps without a zone to UTC: HAProxy writes `%tr` in its host's zone and doesn't name it (docs/field-notes.md, 1).

At each clock change some timestamps are doubtful: the hour occurs twice, or never (doubtful.py).
"""

from __future__ import annotations

import polars as pl

from metrics_lake.sources.haproxy.doubtful import resolve_doubtful
from metrics_lake.sources.haproxy.file_times import FileTimes as FileTimes  # noqa: PLC0414 (other modules import it from here)
from metrics_lake.sources.haproxy.impossible import evidently_impossible

SECONDS = "%d/%b/%Y:%H:%M:%S"
_MINUTE = 60_000


def naive_ms(stamp: pl.Expr) -> pl.Expr:
    """`dd/Mon/yyyy:hh:mm:ss.mmm` as milliseconds without a zone. Many lines share a second, so each is parsed once."""
    seconds = stamp.str.slice(0, 20).str.to_datetime(SECONDS, strict=False, cache=True)
    fraction = stamp.str.slice(21, 3).cast(pl.Int64, strict=False)
    return seconds.dt.epoch("ms") + fraction.fill_null(0)


def to_utc(requests: pl.DataFrame, zone: str, files: FileTimes | None = None) -> pl.DataFrame:
    """`accepted_ms` in UTC from local milliseconds in `zone`; rows with `is_utc` don't change.

    Adds `is_time_doubtful`: the timestamp fits two instants or none, and no syslog header with a zone decides.
    """
    if zone in ("UTC", "Etc/UTC"):
        return requests.with_columns(is_time_doubtful=pl.lit(False))
    files = files or FileTimes()
    is_utc = pl.col("is_utc").fill_null(False) if "is_utc" in requests.columns else pl.lit(False)
    requests = requests.with_columns(minute=pl.col("accepted_ms") // _MINUTE).join(
        _candidates(requests["accepted_ms"], zone), on="minute", how="left", maintain_order="left"
    )
    at = pl.col("accepted_ms")
    low, high = (pl.when(is_utc).then(at).otherwise(at - pl.col(name)) for name in ("east_low", "east_high"))
    requests = requests.with_columns(low=low, high=high)
    requests = requests.with_columns(is_time_doubtful=(pl.col("low") != pl.col("high")).fill_null(False))
    has_doubt = requests["is_time_doubtful"].any()
    timed = resolve_doubtful(requests, zone, files) if has_doubt else requests
    timed = timed.with_columns(accepted_ms="low").drop("minute", "east_low", "east_high", "low", "high")
    if not has_doubt and files.paths:
        _remember(timed, zone, files)
    return timed


def _candidates(naive: pl.Series, zone: str) -> pl.DataFrame:
    """The UTC offset of each local minute, in milliseconds: one value, or two different ones if the minute is doubtful."""
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


def _remember(timed: pl.DataFrame, zone: str, files: FileTimes) -> None:
    """Records when the last line of each file ended, for the file that continues it."""
    end = (pl.col("accepted_ms") + pl.col("duration_ms").fill_null(0)).sort_by("line_number").last()
    possible = timed.filter(~evidently_impossible(timed, zone, files))
    for number, reached in possible.group_by("file_number").agg(end).sort("file_number").iter_rows():
        files.read_up_to(number, reached)
