"""`metrics-lake formats`: which log format a file has, and what a log-format string reads."""

from __future__ import annotations

from typing import Annotated

import typer

from metrics_lake.cli.options import SettingsChoice, takes_settings
from metrics_lake.cli.output.consoles import console, write_line


def register(app: typer.Typer) -> None:
    formats = typer.Typer(no_args_is_help=True, help="Find the format of a log file, or test a log-format string.")
    formats.command("detect")(detect)
    formats.command("check")(check)
    app.add_typer(formats, name="formats")


Files = Annotated[
    list[str], typer.Argument(help="Log files, plain or packed; folders; or - for standard input", metavar="FILE")
]


@takes_settings
def detect(choice: SettingsChoice, files: Files) -> None:
    """Find the log format of files from their first lines, and what ingest rejects of them."""
    from metrics_lake.cli.screens.format_check import first_lines, write_detected
    from metrics_lake.cli.screens.log_files import log_files

    haproxy, screen, paths = choice.load().haproxy, console(), log_files(files)
    for path in paths:
        if len(paths) > 1:
            write_line(screen, path, "bold")
        write_detected(first_lines(path), haproxy, screen)


@takes_settings
def check(
    choice: SettingsChoice,
    files: Files,
    format_: Annotated[str, typer.Option("--format", help="Name of a format, or a log-format string from haproxy.cfg")],
) -> None:
    """Parse the first lines of files with a format and show the result. Exit code 1 if a line can't be parsed."""
    from metrics_lake.cli.screens.format_check import check_name, first_lines, write_check
    from metrics_lake.cli.screens.log_files import log_files

    check_name(format_)
    haproxy, screen, paths = choice.load().haproxy, console(), log_files(files)
    are_read = []
    for path in paths:
        if len(paths) > 1:
            write_line(screen, path, "bold")
        are_read.append(write_check(format_, first_lines(path), haproxy, screen))
    if not all(are_read):
        raise typer.Exit(1)
