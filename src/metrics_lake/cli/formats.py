"""`metrics-lake formats`: which log format a file has, and what a log-format string reads."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli.options import SettingsChoice, takes_settings


def register(app: typer.Typer) -> None:
    formats = typer.Typer(no_args_is_help=True, help="Find the format of a log file, or test a log-format string.")
    formats.command("detect")(detect)
    formats.command("check")(check)
    app.add_typer(formats, name="formats")


@takes_settings
def detect(
    choice: SettingsChoice, file: Annotated[str, typer.Argument(help="Log file, plain or gzip", metavar="FILE")]
) -> None:
    """Find the log format of a file from its first lines, and what ingest rejects of them."""
    from metrics_lake.cli.screens.format_check import first_lines, write_detected

    write_detected(first_lines(file), choice.load().haproxy, Console())


@takes_settings
def check(
    choice: SettingsChoice,
    file: Annotated[str, typer.Argument(help="Log file, plain or gzip", metavar="FILE")],
    format_: Annotated[str, typer.Option("--format", help="Name of a format, or a log-format string from haproxy.cfg")],
) -> None:
    """Parse the first lines of a file with a format and show the result. Exit code 1 if a line can't be parsed."""
    from metrics_lake.cli.screens.format_check import first_lines, write_check

    haproxy = choice.load().haproxy
    if not write_check(format_, first_lines(file), haproxy, Console(markup=False, highlight=False)):
        raise typer.Exit(1)
