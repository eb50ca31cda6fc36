"""Chooses one of two instants for a timestamp of the hour that occurs twice or never (definitions.md section 2).

HAProxy writes a line when its request ends, so the ends in a log increase, apart from jitter. Each line is decided by
itself: it gets the end that fits between the line before it and the next certain line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from metrics_lake.sources.haproxy import syslog
from metrics_lake.sources.haproxy.file_times import FileTimes
from metrics_lake.sources.haproxy.impossible import evidently_impossible

_MINUTE, _DAY = 60_000, 86_400_000
_JITTER = 10 * _MINUTE  # how far ends may decrease in a log without a clock change


class Line(NamedTuple):
    """The two possible ends of a line (equal if it is certain), and the end of the next certain line."""

    low: int
    high: int
    following: int | None


def resolve_doubtful(requests: pl.DataFrame, zone: str, files: FileTimes) -> pl.DataFrame:
    """Puts the chosen instant of each doubtful line into `low`, and records the last end of each file."""
    frame = _by_header(requests.sort("file_number", "line_number"))
    duration, is_doubtful = pl.col("duration_ms").fill_null(0), pl.col("is_time_doubtful")
    usable = ~evidently_impossible(frame.with_columns(accepted_ms="low"), zone, files)
    ends = frame.select(
        "file_number", is_doubtful, usable=usable, low=pl.col("low") + duration, high=pl.col("high") + duration
    )
    certain = pl.when(~is_doubtful & pl.col("usable")).then("low")
    ends = ends.with_columns(following=certain.backward_fill().over("file_number"))
    is_high = pl.concat(_is_high(part, files) for part in ends.partition_by("file_number", maintain_order=True))
    return frame.with_columns(low=pl.when(is_high).then("high").otherwise("low"))


def _by_header(frame: pl.DataFrame) -> pl.DataFrame:
    """Decides lines whose syslog header names a zone; they are no longer doubtful."""
    ends = [pl.col(name) + pl.col("duration_ms").fill_null(0) for name in ("low", "high")]
    written, is_settled = syslog.written_ms(pl.col("text")), syslog.names_zone(pl.col("text"))
    is_high = (written - ends[1]).abs() < (written - ends[0]).abs()
    settled = pl.when(is_high).then("high").otherwise("low")
    is_settled = is_settled & pl.col("is_time_doubtful")
    return frame.with_columns(
        low=pl.when(is_settled).then(settled).otherwise("low"),
        high=pl.when(is_settled).then(settled).otherwise("high"),
        is_time_doubtful=pl.col("is_time_doubtful") & ~is_settled,
    )


def _is_high(part: pl.DataFrame, files: FileTimes) -> pl.Series:
    """Whether each line of one piece of a file has the later instant."""
    number, usable = part["file_number"][0], part.filter("usable")
    lines = [Line(*row) for row in usable.select("low", "high", "following").iter_rows()]
    if not lines:
        return pl.Series([False] * part.height)
    before = files.end_so_far(number)
    if before is None and lines[0].low != lines[0].high:
        before = _continued(lines[0], files.end_before(number))
    chosen = later(lines, before)
    files.read_up_to(number, lines[-1].high if chosen[-1] else lines[-1].low)
    positions = part.with_row_index().filter("usable")["index"]
    return pl.Series([False] * part.height).scatter(positions, chosen)


def _continued(line: Line, before: int | None) -> int | None:
    """The end of the previous file if this line can continue it; else that file is previous only by its name."""
    return before if before is not None and line.high >= before - _JITTER else None


def later(lines: Sequence[Line], before: int | None) -> list[bool]:
    """Whether each line has the later end. Lines are in log order; the line before the first ended at `before`."""
    chosen = list[bool]()
    newest, older = before, before
    for line in lines:
        near = next((end for end in (newest, older) if end is not None and abs(end - line.low) <= _DAY), None)
        is_high = line.low != line.high and near is not None and _fits_later(line, near)
        end = line.high if is_high else line.low
        older = newest if newest is not None and abs(end - newest) > _DAY else older  # one wrong date must not win
        newest = end
        chosen.append(is_high)
    return chosen if before is not None else _leading(lines, chosen)


def _fits_later(line: Line, before: int) -> bool:
    fits = [before - _JITTER <= end <= _bound(line) for end in (line.low, line.high)]
    if fits[0] != fits[1]:
        return fits[1]
    if line.high > _bound(line):
        return False
    return abs(line.high - before) < abs(line.low - before)


def _bound(line: Line) -> float:
    """The latest possible end of a line, by the next certain line; unlimited if that line is of another day."""
    if line.following is None or abs(line.following - line.low) > _DAY:
        return float("inf")
    return line.following + _JITTER


def _leading(lines: Sequence[Line], chosen: list[bool]) -> list[bool]:
    """The doubtful first lines of a log have the later instant if they lead directly to a certain line."""
    count = next((at for at, line in enumerate(lines) if line.low == line.high), len(lines))
    if not count or count == len(lines) or any(chosen[:count]):
        return chosen
    last = lines[count - 1]
    if not last.high - _JITTER <= lines[count].low < last.high + (last.high - last.low):
        return chosen
    return [line.high <= _bound(line) for line in lines[:count]] + chosen[count:]
