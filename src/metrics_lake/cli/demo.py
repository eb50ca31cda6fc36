"""`metrics-lake demo`: runs the main job over a generated week of logs."""

from __future__ import annotations

from typing import Annotated

import typer

from metrics_lake.cli.options import SettingsChoice, takes_settings
from metrics_lake.cli.output.consoles import console
from metrics_lake.cli.output.progress import shown

_ERR = console(stderr=True)


def register(app: typer.Typer) -> None:
    app.command()(demo)


@takes_settings
def demo(
    choice: SettingsChoice,
    folder: Annotated[
        str, typer.Option("--folder", help="Folder for logs and results. It is emptied first", metavar="DIR")
    ] = "demo",
) -> None:
    """Generate a week of logs for three tenants, run all steps, and compare the figures with the known truth."""
    from metrics_lake.cli.screens.demo_story import demo as run_demo

    with shown(_ERR) as steps:
        story = run_demo(folder, choice, steps)
    story.write(console())
    if not story.is_true:
        raise typer.Exit(1)
