"""The commands that process data: `run`, the steps of it, `backfill`, `rebuild`, `upkeep`.

Each loads its job when it is called, so that `--help` and shell completion answer at once.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from metrics_lake.cli import options
from metrics_lake.cli.options import From, SettingsChoice, To, takes_settings
from metrics_lake.cli.output.confirm import DryRun, Yes, confirmed
from metrics_lake.cli.output.consoles import console, write_line
from metrics_lake.cli.publish import publish

_ERR = console(stderr=True)
_TROUBLE = 3  # the exit code of --strict
Source = Annotated[
    str | None,
    typer.Option("--source", help="Read only this folder of landing, such as haproxy or app_store", metavar="NAME"),
]
TableName = Annotated[
    str | None, typer.Option("--table", help="Update only this table, such as silver.sessions", metavar="NAME")
]
MetricName = Annotated[
    str | None, typer.Option("--metric", help="Update only this metric, such as listening_by_day", metavar="NAME")
]
Again = Annotated[
    bool,
    typer.Option(
        "--again",
        help="Read all files again that landing still has. Files whose reading rules changed are read again without this",
    ),
]


def register(app: typer.Typer) -> None:
    for command in (run, ingest, refine, compute, publish, backfill, rebuild, upkeep):
        app.command()(command)


@takes_settings
def run(
    choice: SettingsChoice,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="End with 3 if lines were rejected, files could not be read, or no stream claims most of what came",
        ),
    ] = False,
) -> None:
    """Run all steps in order on new data: ingest, refine, compute, publish. Ends in seconds if nothing is new."""
    from metrics_lake.cli.screens import run_notes
    from metrics_lake.jobs.intake_summary import summarise
    from metrics_lake.jobs.run import run as run_all

    with options.working(choice, "run") as (work, steps):
        done = run_all(work, steps.ingested)
    run_notes.write(work.settings, done, _ERR)
    _ERR.print(
        f"{done.files} files taken in, {done.published.written} rollups written, {done.published.unchanged} unchanged"
    )
    summary = summarise(work.settings.storage.lake, done.ingested)
    write_line(console(), summary.text)
    if strict and summary.is_trouble:
        raise typer.Exit(_TROUBLE)


@takes_settings
def ingest(
    choice: SettingsChoice,
    source: Source = None,
    reset_checkpoint: Annotated[
        bool,
        typer.Option(
            "--reset-checkpoint",
            help="Replace a damaged or missing checkpoint by a new one. It starts after the last batch that is in bronze, "
            "so no file is lost or read twice",
        ),
    ] = False,
    again: Again = False,
    new_epoch: Annotated[
        bool, typer.Option("--new-epoch", help="The old name of --reset-checkpoint", hidden=True)
    ] = False,
) -> None:
    """Step 1: read new files from landing into the bronze tables."""
    from metrics_lake.bronze.feed_list import FEEDS
    from metrics_lake.cli.screens import run_notes
    from metrics_lake.jobs.ingest import Ingested
    from metrics_lake.jobs.ingest import ingest as ingest_feed
    from metrics_lake.jobs.maintain.reset_checkpoint import reset_checkpoint as reset

    options.known(source, [folder for feed in FEEDS for folder in feed.folders], "--source")
    feeds = [feed for feed in FEEDS if source is None or source in feed.folders]
    done = {feed.name: Ingested() for feed in FEEDS}
    with options.working(choice, "ingest") as (work, steps):
        for feed in feeds if reset_checkpoint or new_epoch else ():
            kind = "" if feed.noun == "files" else f" of {feed.noun}"
            _ERR.print(f"checkpoint{kind} reset: the next batch comes after batch {reset(work, feed)}")
        for feed in feeds:
            done[feed.name] = ingest_feed(work, feed, steps.ingested, folders=[source] if source else (), again=again)
    run_notes.write_intake(work.settings, done, _ERR)
    _ERR.print(f"{sum(ingested.files for ingested in done.values())} files taken in")


@takes_settings
def refine(choice: SettingsChoice, table: TableName = None) -> None:
    """Step 2: update silver tables from new bronze rows: sessions from visits, downloads from store reports."""
    from metrics_lake.jobs.stages import STAGES

    refiners = {stages.table.name: stages.refine for stages in STAGES}
    options.known(table, tuple(refiners), "--table")
    with options.working(choice, "refine") as (work, _):
        changed = [name for name, refiner in refiners.items() if table in (None, name) and refiner(work)]
    _ERR.print(f"{' and '.join(changed)} rebuilt" if changed else "nothing new to refine")


@takes_settings
def compute(choice: SettingsChoice, metric: MetricName = None, from_: From = None, to: To = None) -> None:
    """Step 3: update the gold tables for sessions that changed. Give --from and --to to compute those days again."""
    from metrics_lake.jobs.stages import STAGES

    options.known(metric, [name for stages in STAGES for name in stages.metrics], "--metric")
    days = options.days(from_, to)
    chosen = [stages for stages in STAGES if metric is None or metric in stages.metrics]
    with options.working(choice, "compute") as (work, _):
        computed = [stages.compute(work, days=days, metric=metric) for stages in chosen]
    _ERR.print("gold tables updated" if any(computed) else "nothing new to compute")


@takes_settings
def backfill(
    choice: SettingsChoice,
    from_: Annotated[str, typer.Option("--from", help="First day, such as 2026-11-01", metavar="DAY")],
    to: Annotated[str, typer.Option("--to", help="Last day (included)", metavar="DAY")],
) -> None:
    """Process a range of days again, from bronze to the published JSON."""
    from metrics_lake.jobs.backfill import backfill as process_again

    days = options.days(from_, to)
    with options.working(choice, "backfill") as (work, _):
        done = process_again(work, days)
    _ERR.print(f"{len(days)} days processed again; {done.written} rollups written, {done.unchanged} unchanged")


@takes_settings
def rebuild(
    choice: SettingsChoice,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Rebuild even if landing no longer has all the files that the lake was built from. "
            "The new lake will not have the data of the missing files",
        ),
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Build a new lake from all files in landing and publish it. The old lake is kept next to the new one."""
    from metrics_lake.jobs.rebuild import preview
    from metrics_lake.jobs.rebuild import rebuild as build_again

    with options.working(choice, "rebuild", is_anew=True) as (work, steps):
        planned, lake = preview(work), work.settings.storage.lake
        touched = (
            f"{planned.files} files in landing are read into a new lake, which takes the place of {lake}; that is kept beside it",
            f"{len(planned.missing)} files that {lake} was made from are not in landing any more: what they gave goes",
        )
        with steps.paused():
            is_harmless = not planned.missing and not sys.stdin.isatty()  # the old lake is kept: cron need not say yes
            lines = touched if planned.missing else touched[:1]
            if not confirmed(lines, yes=yes or is_harmless, dry_run=dry_run):
                return
        done = build_again(work, accept_loss=accept_loss)
    _ERR.print(
        f"new lake built from {done.files} files; {done.published.written} rollups written, "
        f"{done.published.unchanged} unchanged"
    )
    if done.carried:
        _ERR.print(
            f"{done.carried} sessions of destroyed keys taken over from the old lake: their totals stay published"
        )
    if done.old:
        _ERR.print(f"the old lake is in {done.old}; delete it when you no longer need it")


@takes_settings
def upkeep(choice: SettingsChoice) -> None:
    """Compact tables, and delete rows and files that are older than the settings keep them. Run it once a day."""
    from metrics_lake.catalog import stored
    from metrics_lake.jobs.maintain.upkeep import upkeep as maintain

    with options.working(choice, "upkeep") as (work, _):
        done = maintain(work, stored())
    _ERR.print(f"{done.tables} tables maintained, {done.landing_files} landing files deleted")
