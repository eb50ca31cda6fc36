"""`metrics-lake audit`: is all data there, and is no address or key stored?"""

from __future__ import annotations

from typing import Annotated

import typer

from metrics_lake.cli.options import Columns, Format, FormatOption, SettingsChoice, Wide, takes_settings
from metrics_lake.cli.output.consoles import console


def register(app: typer.Typer) -> None:
    audit = typer.Typer(no_args_is_help=True, help="Check that all data is there and that no address is stored.")
    audit.command("completeness")(completeness)
    audit.command("privacy")(privacy)
    app.add_typer(audit, name="audit")


@takes_settings
def completeness(
    choice: SettingsChoice, format_: FormatOption = Format.table, columns: Columns = None, wide: Wide = False
) -> None:
    """Check that every log line is accounted for, and show received and missing hours of each proxy."""
    from metrics_lake.cli.screens.line_accounts import account

    if not account(choice.load(), format_.value, console(), columns=columns, is_wide=wide):
        raise typer.Exit(1)


@takes_settings
def privacy(
    choice: SettingsChoice,
    addresses: Annotated[
        str | None,
        typer.Option(
            "--addresses", help="File with one address per line (default: all addresses in landing)", metavar="FILE"
        ),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", help="Another file or folder to search. Can be repeated", metavar="PATH"),
    ] = None,
) -> None:
    """Search everything that was written for addresses and keys. Exit code 1 if there is one."""
    from metrics_lake.cli.screens.privacy_search import search, write_report

    report = search(choice.load(), addresses, also or [])
    write_report(report, console())
    if not report.is_clean:
        raise typer.Exit(1)
