"""`metrics-lake publish`: the last step of a run, and with `--all` the remedy for what was lost of it."""

from __future__ import annotations

from typing import Annotated

import typer

from metrics_lake.cli import options
from metrics_lake.cli.options import SettingsChoice, takes_settings
from metrics_lake.cli.output.confirm import DryRun, Yes, confirmed
from metrics_lake.cli.output.consoles import console

_ERR = console(stderr=True)


@takes_settings
def publish(
    choice: SettingsChoice,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Delete published days that this lake has no data for, even if another lake published them. "
            "Without this option such a publish stops with an error",
        ),
    ] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Compare every published file and document with the tables, and write what differs, is lost or damaged",
        ),
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Step 4: write changed figures as rollup JSON files and documents. Unchanged files are not written again."""
    from metrics_lake.jobs.publish import publish_downloads
    from metrics_lake.jobs.publish.publish import loss
    from metrics_lake.jobs.publish.publish import publish as publish_listening

    if dry_run and not accept_loss:
        raise typer.BadParameter("shows what --accept-loss would remove: give both", param_hint="--dry-run")
    with options.working(choice, "publish") as (work, steps):
        if accept_loss:
            rollups, documents, lower = loss(work)
            touched = (
                f"{rollups} rollups and {documents} documents of which {work.settings.storage.lake} has no figures are removed",
                f"{lower} days are replaced that show more listening than it has",
            )
            with steps.paused():
                if not confirmed(touched, yes=yes, dry_run=dry_run):
                    return
        publish_downloads.publish(work, accept_loss=accept_loss, everything=everything)
        done = publish_listening(work, accept_loss=accept_loss, everything=everything)
    _ERR.print(f"{done.written} rollups written, {done.unchanged} unchanged")
