"""`formats detect` and `formats check`: the format of a log file, and what a log-format string reads from its first lines."""

from __future__ import annotations

import sys
import time
from itertools import islice
from pathlib import Path

from rich.console import Console

from metrics_lake.cli import options
from metrics_lake.cli.output.consoles import plain_text, write_line
from metrics_lake.cli.output.layout import from_rows, table
from metrics_lake.cli.screens.log_files import STDIN
from metrics_lake.config.settings import Haproxy
from metrics_lake.io.landing.loose_file import file_at, texts
from metrics_lake.sources.haproxy import formats
from metrics_lake.sources.haproxy.formats import checking

_LINES = 1000
_SMALL, _SMALLEST = 0.01, 0.001  # shares: below this with a decimal, and the least that one decimal shows


def first_lines(file: str, count: int = _LINES) -> list[str]:
    """The first lines of a log file, as ingest reads it, or of standard input for `-`."""
    if file == STDIN:
        lines = (line.decode("utf-8", errors="replace").rstrip("\n") for line in sys.stdin.buffer)
    else:
        lines = (line for text in texts(file_at(Path(file))) for line in text.split("\n"))
    return [line.rstrip("\r") for line in islice(lines, count)]


def write_detected(lines: list[str], haproxy: Haproxy, console: Console) -> None:
    detected = checking.detect(lines, haproxy, _now_ms())
    rows = [(match.name, f"{match.line_count:,}", _share(match.share)) for match in detected]
    columns = from_rows(("format", "lines", "share"), rows)
    console.print(table(columns, console.width) if lines else "the file is empty")
    for line in checking.captures(lines, haproxy):
        write_line(console, f"captures of {line}")
    if any(match.name.endswith("of a log-format") for match in detected):
        write_line(
            console, "bind the log-format to these files with haproxy.formats, then they are read: docs/formats.md"
        )


def _share(share: float) -> str:
    """A share in per cent; a small one is not 0."""
    return f"{share:.0%}" if share >= _SMALL or not share else f"{max(share, _SMALLEST):.1%}"


def check_name(format_text: str) -> None:
    """Raises a usage error for a word that is neither a format's name nor a log-format string."""
    if formats.known_name(format_text) is None and "%" not in format_text:
        options.known(format_text, tuple(formats.BUILT_IN), "--format")


def _now_ms() -> int:
    """The time of reading, ahead of which no line can be."""
    return time.time_ns() // 1_000_000


def write_check(format_text: str, lines: list[str], haproxy: Haproxy, console: Console) -> bool:
    """Prints fields, first records and problems. True if every line with a request could be parsed."""
    result = checking.check(format_text, lines, haproxy, _now_ms())
    console.print("fields: " + ", ".join(f"{name} = {meaning}" for name, meaning in result.fields))
    for record in result.records:
        console.print("  " + " ".join(f"{name}={value}" for name, value in record.items() if value is not None))
    console.print(
        f"{result.read_count:,} read, {result.unread_count:,} not, {result.skipped_count:,} skipped (notices, blank lines)"
    )
    for problem in result.problems:
        console.print(plain_text(f"line {problem.line_number}: {problem.reason}: {problem.masked_text}"))
        if problem.parting:
            console.print(plain_text(f"  {_words(problem.parting)}"), style="bold")
    for line in result.captures:
        write_line(console, f"captures of {line}")
    for note in result.notes:
        console.print(plain_text(note))
    for lack in result.lacks:
        console.print(f"lacks {lack}")
    return result.unread_count == 0


def _words(parting: formats.Parting) -> str:
    """Where line and string part, for people."""
    text = f" and {parting.expected!r} behind it" if parting.field and parting.expected.strip() else ""
    wanted = f"{parting.field}{text}" if parting.field else repr(parting.expected)
    return (
        f"they part at byte {parting.line_byte} of the line, character {parting.format_character} of the string: "
        f"not {wanted}, but {parting.masked_rest!r}"
    )
