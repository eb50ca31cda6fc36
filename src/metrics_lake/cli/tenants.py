"""`metrics-lake tenants`: is tenants.yaml right, before anything is ingested?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metrics_lake.cli.options import SettingsChoice, takes_settings
from metrics_lake.cli.output.consoles import console


def register(app: typer.Typer) -> None:
    tenants = typer.Typer(no_args_is_help=True, help="Check which requests the streams of tenants.yaml claim.")
    tenants.command("check")(check)
    app.add_typer(tenants, name="tenants")


@takes_settings
def check(
    choice: SettingsChoice,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Logs to try the streams on, plain or packed", metavar="[FILE]…")
    ] = None,
) -> None:
    """Show which stream claims which request of some logs, and what none claims. Exit code 1 if a stream can never match."""
    from metrics_lake.cli.screens.tenants_check import examine

    if not examine(choice.load(), files or [], console()):
        raise typer.Exit(1)
