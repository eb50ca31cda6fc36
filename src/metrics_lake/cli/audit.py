"""`metrics-lake audit`: checks of what was received, and of what must never be written."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli.options import Format, FormatOption, SettingsChoice, takes_settings


def register(app: typer.Typer) -> None:
    audit = typer.Typer(no_args_is_help=True, help="Checks of what was received and of what must never be written.")
    audit.command("completeness")(completeness)
    audit.command("privacy")(privacy)
    app.add_typer(audit, name="audit")


@takes_settings
def completeness(choice: SettingsChoice, format_: FormatOption = Format.table) -> None:
    """Received and missing hours by proxy, and what became of the lines of each file."""
    from metrics_lake.cli.screens.line_accounts import account

    if not account(choice.load(), format_.value, Console()):
        raise typer.Exit(1)


@takes_settings
def privacy(
    choice: SettingsChoice,
    addresses: Annotated[
        str | None,
        typer.Option("--addresses", help="File with one address a line [default: those in landing]", metavar="FILE"),
    ] = None,
    also: Annotated[list[str] | None, typer.Option("--also", help="Search this file or folder too; repeatable")] = None,
) -> None:
    """Searches every byte that the system wrote for addresses and keys; exit 1 if one is found."""
    from metrics_lake.cli.screens.privacy_search import search, tell

    report = search(choice.load(), addresses, also or [])
    tell(report, Console())
    if not report.is_clean:
        raise typer.Exit(1)
