"""`metrics-lake demo`: the main job over a made-up week."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli.options import SettingsChoice, takes_settings
from metrics_lake.cli.output.progress import shown

_ERR = Console(stderr=True)


def register(app: typer.Typer) -> None:
    app.command()(demo)


@takes_settings
def demo(
    choice: SettingsChoice,
    folder: Annotated[str, typer.Option("--folder", help="Where to put it all; emptied first", metavar="DIR")] = "demo",
) -> None:
    """The main job over a made-up week of three tenants, compared with what is known to be true."""
    from metrics_lake.cli.screens.demo_story import demo as show_it

    with shown(_ERR) as steps:
        story = show_it(folder, choice, steps)
    story.tell(Console())
    if not story.is_true:
        raise typer.Exit(1)
