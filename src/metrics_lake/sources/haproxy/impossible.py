"""Whether the time of a line is impossible (definitions.md section 2), by evidence: a gap in the log is no evidence."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from metrics_lake.sources.file_names import named_at
from metrics_lake.sources.haproxy import syslog
from metrics_lake.sources.haproxy.file_times import FileTimes

_FIRST = 946_684_800_000  # 2000-01-01: HAProxy didn't exist before
_AWAY = timedelta(hours=26) // timedelta(milliseconds=1)  # 26 h: the largest difference between two time zones
_BEHIND = timedelta(days=400) // timedelta(milliseconds=1)


def impossible_times(requests: pl.DataFrame, zone: str, files: FileTimes) -> pl.Series:
    """Whether the time of each line is impossible. `zone` is the time zone of the hours in file names."""
    is_impossible = evidently_impossible(requests, zone, files)
    if files.read_ms is None:
        return is_impossible  # an older version planned this batch: a line of 2099 could count as the newest
    at, file = pl.col("accepted_ms"), pl.col("file_number")
    spans = requests.filter(~is_impossible).group_by(file).agg(oldest=at.min(), newest=at.max())
    newest = {
        number: _newest(files, number, *span)
        for number, *span in spans.select("file_number", "oldest", "newest").rows()
    }
    limit = file.replace_strict(newest, default=None, return_dtype=pl.Int64) - _BEHIND
    return requests.select(is_impossible=pl.lit(is_impossible) | (at < limit).fill_null(False)).to_series()


def evidently_impossible(requests: pl.DataFrame, zone: str, files: FileTimes) -> pl.Series:
    """Whether the time of a line contradicts its syslog header, its file's name or the time of reading."""
    at = pl.col("accepted_ms")
    end = at + pl.col("duration_ms").fill_null(0)
    named = _limits(requests["file_number"], zone, files)
    is_impossible = (
        at.is_null() | (at < _FIRST) | ((end - syslog.written_ms(pl.col("text"))).abs() > _AWAY).fill_null(False)
    )
    if named:
        limit = pl.col("file_number").replace_strict(named, default=None, return_dtype=pl.Int64)
        is_impossible = is_impossible | (at > limit).fill_null(False)
    if files.read_ms is not None:
        is_impossible = is_impossible | (at > files.read_ms + _AWAY).fill_null(False)
    return requests.select(is_impossible=is_impossible).to_series()


def _limits(numbers: pl.Series, zone: str, files: FileTimes) -> dict[int, int]:
    """The latest possible start in each file that has an hour in its name."""
    hours = {number: named_at(files.paths.get(number, ""), zone) for number in numbers.unique()}
    return {number: round(hour.timestamp() * 1000) + _AWAY for number, hour in hours.items() if hour}


def _newest(files: FileTimes, number: int, oldest: int, newest: int) -> int:
    """The newest start of a whole file. Its other pieces are read only if they could make a line of this piece too old."""
    if files.read_ms is None or oldest >= files.read_ms + _AWAY - _BEHIND:
        return newest
    return max(newest, files.newest_of(number) or newest)
