"""`metrics-lake doctor`: what is wrong with this machine or these settings."""

from __future__ import annotations

import typer
from rich.console import Console

from metrics_lake.cli.options import SettingsChoice, takes_settings


def register(app: typer.Typer) -> None:
    app.command()(doctor)


@takes_settings
def doctor(choice: SettingsChoice) -> None:
    """Java, jars, storage, documents, clock, secret, tenants: what is wrong and how to mend it."""
    from metrics_lake.cli.screens.machine_checks import examine

    if not examine(choice, Console()):
        raise typer.Exit(1)
