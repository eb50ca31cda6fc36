"""`metrics-lake formats`: which log format a file has, and what a log-format string reads."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli.options import SettingsChoice, takes_settings


def register(app: typer.Typer) -> None:
    formats = typer.Typer(no_args_is_help=True, help="Which log format a file has, and what a log-format string reads.")
    formats.command("detect")(detect)
    formats.command("check")(check)
    app.add_typer(formats, name="formats")


def detect(file: Annotated[str, typer.Argument(help="A log, packed or not", metavar="FILE")]) -> None:
    """Names the format of a file by its first lines."""
    from metrics_lake.cli.screens.format_check import first_lines, tell_detected

    tell_detected(first_lines(file), Console())


@takes_settings
def check(
    choice: SettingsChoice,
    file: Annotated[str, typer.Argument(help="A log, packed or not", metavar="FILE")],
    format_: Annotated[str, typer.Option("--format", help="A format's name, or a log-format string of haproxy.cfg")],
) -> None:
    """Shows what a format reads from a file's first lines, under the settings' haproxy part; exit 1 if not all."""
    from metrics_lake.cli.screens.format_check import first_lines, tell_checked

    haproxy = choice.load().haproxy
    if not tell_checked(format_, first_lines(file), haproxy, Console(markup=False, highlight=False)):
        raise typer.Exit(1)
