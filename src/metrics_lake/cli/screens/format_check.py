"""`metrics-lake formats check|detect`: what a log-format reads from a file's first lines, and which format a file has."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from isal import igzip
from rich.console import Console
from rich.table import Table as Grid

from metrics_lake.settings import Haproxy, SettingsError
from metrics_lake.sources.haproxy import formats

_LINES = 1000


def first_lines(file: str, count: int = _LINES) -> list[str]:
    """The first lines of a log, packed or not."""
    path = Path(file)
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(2) == b"\x1f\x8b"
        opened = igzip.open(path, "rb") if is_packed else path.open("rb")  # type: ignore[no-untyped-call]
        with opened as lines:
            return [line.decode("utf-8", errors="replace").rstrip("\r\n") for line in islice(lines, count)]
    except (OSError, EOFError) as error:
        raise SettingsError(f"{path} can't be read: {type(error).__name__}") from None


def tell_detected(lines: list[str], console: Console) -> None:
    grid = Grid("format", "lines", "share")
    for found in formats.detect(lines):
        grid.add_row(found.name, f"{found.line_count:,}", f"{found.share:.0%}")
    console.print(grid if lines else "the file is empty")


def tell_checked(format_text: str, lines: list[str], haproxy: Haproxy, console: Console) -> bool:
    """Prints fields, first records and problems; true if every line that is a request was read."""
    found = formats.check(format_text, lines, haproxy)
    console.print("fields: " + ", ".join(f"{name} = {meaning}" for name, meaning in found.fields))
    for record in found.records:
        console.print("  " + " ".join(f"{name}={value}" for name, value in record.items() if value is not None))
    console.print(
        f"{found.read_count:,} read, {found.unread_count:,} not, {found.skipped_count:,} skipped (notices, blank lines)"
    )
    for problem in found.problems:
        console.print(f"line {problem.line_number}: {problem.reason}: {problem.masked_text}")
    for lack in found.lacks:
        console.print(f"lacks {lack}")
    return found.unread_count == 0
