"""`formats detect` and `formats check`: the format of a log file, and what a log-format string reads from its first lines."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from isal import igzip
from rich.console import Console

from metrics_lake.cli.output.layout import from_rows, table
from metrics_lake.config.settings import Haproxy, SettingsError
from metrics_lake.sources.haproxy import formats

_LINES = 1000


def first_lines(file: str, count: int = _LINES) -> list[str]:
    """The first lines of a log file, plain or gzip."""
    path = Path(file)
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(2) == b"\x1f\x8b"
        opened = igzip.open(path, "rb") if is_packed else path.open("rb")  # type: ignore[no-untyped-call]
        with opened as lines:
            return [line.decode("utf-8", errors="replace").rstrip("\r\n") for line in islice(lines, count)]
    except (OSError, EOFError) as error:
        raise SettingsError(f"{path} can't be read: {type(error).__name__}") from None


def write_detected(lines: list[str], console: Console) -> None:
    rows = [(match.name, f"{match.line_count:,}", f"{match.share:.0%}") for match in formats.detect(lines)]
    columns = from_rows(("format", "lines", "share"), rows)
    console.print(table(columns, console.width) if lines else "the file is empty")
    for line in formats.captures(lines):
        console.print(f"captures of {line}", markup=False, highlight=False, soft_wrap=True)


def write_check(format_text: str, lines: list[str], haproxy: Haproxy, console: Console) -> bool:
    """Prints fields, first records and problems. True if every line with a request could be parsed."""
    result = formats.check(format_text, lines, haproxy)
    console.print("fields: " + ", ".join(f"{name} = {meaning}" for name, meaning in result.fields))
    for record in result.records:
        console.print("  " + " ".join(f"{name}={value}" for name, value in record.items() if value is not None))
    console.print(
        f"{result.read_count:,} read, {result.unread_count:,} not, {result.skipped_count:,} skipped (notices, blank lines)"
    )
    for problem in result.problems:
        console.print(f"line {problem.line_number}: {problem.reason}: {problem.masked_text}")
    for line in result.captures:
        console.print(f"captures of {line}", soft_wrap=True)
    for note in result.notes:
        console.print(note)
    for lack in result.lacks:
        console.print(f"lacks {lack}")
    return result.unread_count == 0
