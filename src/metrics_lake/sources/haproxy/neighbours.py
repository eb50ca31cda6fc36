"""Reads the other data that the instant of a line may depend on: the rest of its file, and the previous file.

Rotation splits a log into files, so the first lines of one file continue the last lines of another. Only times are
parsed, and only if a line needs them (file_times.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from metrics_lake.config.settings import Haproxy
from metrics_lake.sources.file_content import as_utf8
from metrics_lake.sources.haproxy import clock, log_lines, syslog, unwrapping
from metrics_lake.sources.haproxy.file_times import FileTimes
from metrics_lake.sources.haproxy.formats.parsing import parse_lines
from metrics_lake.sources.haproxy.impossible import evidently_impossible
from metrics_lake.sources.haproxy.proxies import FOLDER, chosen, hosts_in
from metrics_lake.sources.landed_file import InputFile, UnreadableFile

_TIMES = ("file_number", "line_number", "text", "accepted_ms", "is_utc", "duration_ms")
_MAX_FILES_BACK = 150  # one file per minute during a clock change of two hours, and a margin


def register_lookups(
    file: InputFile, haproxy: Haproxy, files: FileTimes, numbers: Iterator[int], *, in_pieces: bool
) -> None:
    """Registers the lookups of a file, before its first line is read."""
    path = file.true_path
    files.ends.pop(path, None)
    files.captures.pop(path, None)
    files.to_precede[path] = lambda: _end_before(file, haproxy, files, numbers)
    if in_pieces:
        files.to_survey[path] = lambda: _newest(file, haproxy, files, numbers)


def _newest(file: InputFile, haproxy: Haproxy, files: FileTimes, numbers: Iterator[int]) -> int | None:
    """The newest start in a whole file, impossible times left out."""
    own_times = FileTimes(read_ms=files.read_ms)
    newest = list[int]()
    for read in _timed(file, haproxy, own_times, numbers):
        timed = clock.to_utc(read, haproxy.timezone, own_times)
        at = timed.filter(~evidently_impossible(timed, haproxy.timezone, own_times))["accepted_ms"]
        newest += at.top_k(1).to_list()
    return max(newest, default=None)


def _end_before(file: InputFile, haproxy: Haproxy, files: FileTimes, numbers: Iterator[int]) -> int | None:
    """The end of the last line of the previous file. Reads back through the files until one begins with a certain time."""
    undecided, end = list[tuple[str, list[pl.DataFrame]]](), None
    for earlier in _earlier(file, haproxy):
        path = earlier.true_path
        if path in files.ends:
            end = files.ends[path]
            break
        read = list(_timed(earlier, haproxy, files, numbers))
        undecided.append((path, read))
        if read and not _begins_in_doubt(read[0], haproxy.timezone):
            break
    for path, read in reversed(undecided):
        files.to_precede[path] = lambda end=end: end  # type: ignore[misc]
        for piece in read:
            clock.to_utc(piece, haproxy.timezone, files)
        end = files.ends.get(path, end)
    return end


def _earlier(file: InputFile, haproxy: Haproxy) -> Iterator[InputFile]:
    """The previous files of the same machine, the nearest first."""
    machines, candidate = _machines(file, haproxy), file.before()
    for _ in range(_MAX_FILES_BACK):
        if candidate is None:
            return
        own = _machines(candidate, haproxy)
        if own & machines or not (own or machines):
            yield candidate
        candidate = candidate.before()


def _machines(file: InputFile, haproxy: Haproxy) -> set[str]:
    """The folder that names the machine of a file, else the hosts of its first lines."""
    choice = chosen(file.entry.path, haproxy)
    if choice.reason == FOLDER and not choice.is_by_header:
        return {choice.name}
    try:
        return hosts_in(next(as_utf8(file.pieces()), b"").decode("utf-8", errors="replace"))
    except UnreadableFile:
        return set()


def _begins_in_doubt(read: pl.DataFrame, zone: str) -> bool:
    first = read.sort("line_number").head(1)
    return bool(clock.to_utc(first, zone)["is_time_doubtful"].any())


def _timed(file: InputFile, haproxy: Haproxy, files: FileTimes, numbers: Iterator[int]) -> Iterator[pl.DataFrame]:
    """The requests of a file piece by piece, with the columns for their times; nothing if the file can't be read."""
    line_number = 1
    try:
        for piece in as_utf8(file.pieces()):
            number = next(numbers)
            files.paths[number] = file.true_path
            text = piece.decode("utf-8", errors="replace").replace("\0", "").removesuffix("\n")
            numbered = log_lines.number_lines({number: text}, {number: line_number})
            line_number += text.count("\n") + 1
            lines = unwrapping.unwrap(numbered).filter(pl.col("text").str.len_bytes() <= log_lines.LONGEST)
            read, _ = parse_lines(lines, haproxy, files.paths)
            times = read.select(name for name in _TIMES if name in read.columns)
            yield times.with_columns(pl.col("text").str.head(syslog.LONGEST))
    except UnreadableFile:
        return
