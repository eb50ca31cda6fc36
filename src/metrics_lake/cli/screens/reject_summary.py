"""What to say of lines that were taken in and could not be read as requests."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console

from metrics_lake.cli.output.consoles import write_line


def write(rejected: Mapping[str, int], console: Console) -> None:
    """One line: how many were rejected, and why; nothing where none was."""
    if rejected:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejected.items())
        total = sum(rejected.values())
        lines = "line" if total == 1 else "lines"
        line = f"{total:,} {lines} rejected: {reasons}; `show bronze.rejects` has them masked"
        write_line(console, line)
