"""`metrics-lake doctor`: finds what is wrong with this machine or these settings."""

from __future__ import annotations

import typer

from metrics_lake.cli.options import SettingsChoice, takes_settings
from metrics_lake.cli.output.consoles import console


def register(app: typer.Typer) -> None:
    app.command()(doctor)


@takes_settings
def doctor(choice: SettingsChoice) -> None:
    """Check Java, settings, secret, tenants, storage and tables. Show what is wrong and how to repair it."""
    from metrics_lake.cli.screens.machine_checks import examine

    if not examine(choice, console()):
        raise typer.Exit(1)
