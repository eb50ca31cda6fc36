"""Shows the findings of the doctor, with remedies that can be copied."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from metrics_lake.cli.options import SettingsChoice
from metrics_lake.cli.output.consoles import plain_text, write_line
from metrics_lake.cli.screens.lake_checks import Finding
from metrics_lake.privacy.redaction import without_addresses


def write_findings(findings: Sequence[Finding], choice: SettingsChoice, console: Console) -> None:
    """A line for each, and one for its remedy; its commands get the options that chose the settings."""
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        _write_finding(finding, choice, width, console)


def _write_finding(finding: Finding, choice: SettingsChoice, width: int, console: Console) -> None:
    """The state within the console's width; remedies on lines that are never broken, as they may be commands to copy."""
    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=len("right"))
    grid.add_column(width=width)
    grid.add_column(overflow="fold")
    mark = Text("right", "green") if finding.is_right else Text("wrong", "red")
    grid.add_row(mark, Text(finding.name), Text(plain_text(without_addresses(finding.state))))
    console.print(grid)
    for line in filter(None, (finding.remedy, " && ".join(_command(text, choice) for text in finding.commands))):
        write_line(console, f"{'':{width + len('right') + 4}}→ {without_addresses(line)}")


def _command(text: str, choice: SettingsChoice) -> str:
    """A command to copy: one of this program's gets the options that choose the settings."""
    return shlex.join([*shlex.split(text), *choice.words]) if text.startswith("metrics-lake ") else text
