"""The commands that do work: run, one for each arrow, backfill, rebuild, upkeep."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli import options
from metrics_lake.cli.options import From, SettingsChoice, To, takes_settings

_ERR = Console(stderr=True)
Source = Annotated[str | None, typer.Option("--source", help="Only this feed, such as haproxy", metavar="NAME")]
TableName = Annotated[
    str | None, typer.Option("--table", help="Only this table, such as silver.sessions", metavar="NAME")
]
MetricName = Annotated[
    str | None, typer.Option("--metric", help="Only this metric, such as listening_by_day", metavar="NAME")
]


def register(app: typer.Typer) -> None:
    for command in (run, ingest, refine, compute, publish, backfill, rebuild, upkeep):
        app.command()(command)


@takes_settings
def run(choice: SettingsChoice) -> None:
    """Every job once, in order, over whatever is new. Nothing new is a fast no-op."""
    from metrics_lake.cli.screens import intake_warnings as reports
    from metrics_lake.jobs.run import run as run_all

    with options.working(choice, "run") as (work, steps):
        done = run_all(work, steps.ingested)
    reports.tell(work.settings.storage.lake, done.reports, _ERR)
    _ERR.print(
        f"{done.ingested.files + done.reports} files taken in, {done.published.written} rollups written, "
        f"{done.published.unchanged} unchanged"
    )


@takes_settings
def ingest(
    choice: SettingsChoice,
    source: Source = None,
    new_epoch: Annotated[
        bool, typer.Option("--new-epoch", help="With a new checkpoint, where the old one is torn or lost")
    ] = False,
) -> None:
    """Landing files that are new, into bronze."""
    from metrics_lake.cli.screens import intake_warnings as reports
    from metrics_lake.jobs import downloads
    from metrics_lake.jobs.epochs import begin_again
    from metrics_lake.jobs.ingest import ingest as take_in

    options.known(source, ("haproxy", *downloads.SOURCES), "--source")
    with options.working(choice, "ingest") as (work, steps):
        of_logs, of_stores = source in (None, "haproxy"), source != "haproxy"
        if new_epoch and of_logs:
            _ERR.print(f"a new checkpoint begins behind batch {begin_again(work)}")
        if new_epoch and of_stores:
            _ERR.print(f"a new checkpoint of reports begins behind batch {downloads.begin_again(work)}")
        files = take_in(work, steps.ingested).files if of_logs else 0
        new_reports = downloads.ingest(work, source) if of_stores else 0
    reports.tell(work.settings.storage.lake, new_reports, _ERR)
    _ERR.print(f"{files + new_reports} files taken in")


@takes_settings
def refine(choice: SettingsChoice, table: TableName = None) -> None:
    """New visits, with all they touch, into sessions; new reports of stores into downloads."""
    from metrics_lake.jobs import downloads
    from metrics_lake.jobs.refine import refine as build

    builders = {"silver.sessions": build, downloads.REFINED.name: downloads.refine}
    options.known(table, tuple(builders), "--table")
    with options.working(choice, "refine") as (work, _):
        done = [name for name, rebuild in builders.items() if table in (None, name) and rebuild(work)]
    _ERR.print(f"{' and '.join(done)} rebuilt" if done else "nothing new to refine")


@takes_settings
def compute(choice: SettingsChoice, metric: MetricName = None, from_: From = None, to: To = None) -> None:
    """Changed sessions into figures. With --from and --to those days anew; with --metric only that table of them."""
    from metrics_lake.jobs import downloads
    from metrics_lake.jobs.compute import METRICS
    from metrics_lake.jobs.compute import compute as work_out

    of_apps = downloads.WORKED_OUT.name.removeprefix("gold.")
    options.known(metric, (*METRICS, of_apps), "--metric")
    days = options.days(from_, to)
    with options.working(choice, "compute") as (work, _):
        done = metric != of_apps and work_out(work, days=days, metric=metric)
        done = (metric in (None, of_apps) and downloads.compute(work, days)) or done
    _ERR.print("figures worked out" if done else "nothing new to compute")


@takes_settings
def publish(
    choice: SettingsChoice,
    accept_loss: Annotated[
        bool,
        typer.Option("--accept-loss", help="Remove what is published and this lake doesn't hold, whichever it was of"),
    ] = False,
) -> None:
    """Figures into rollup JSON and documents; only what changed is written."""
    from metrics_lake.jobs import downloads
    from metrics_lake.jobs.publish import publish as write

    with options.working(choice, "publish") as (work, _):
        downloads.publish(work, accept_loss=accept_loss)
        done = write(work, accept_loss=accept_loss)
    _ERR.print(f"{done.written} rollups written, {done.unchanged} unchanged")


@takes_settings
def backfill(
    choice: SettingsChoice,
    from_: Annotated[str, typer.Option("--from", help="First day, such as 2026-11-01", metavar="DAY")],
    to: Annotated[str, typer.Option("--to", help="Last day, included", metavar="DAY")],
) -> None:
    """Works a range of days out anew, from bronze to the published JSON."""
    from metrics_lake.jobs.backfill import backfill as again

    days = options.days(from_, to)
    with options.working(choice, "backfill") as (work, _):
        done = again(work, days)
    _ERR.print(f"{len(days)} days worked out anew; {done.written} rollups written, {done.unchanged} unchanged")


@takes_settings
def rebuild(
    choice: SettingsChoice,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Even if landing no longer holds every file the lake was made from")
    ] = False,
) -> None:
    """Makes everything anew from landing; the old lake stays beside the new one."""
    from metrics_lake.jobs.rebuild import rebuild as anew

    with options.working(choice, "rebuild") as (work, _):
        done = anew(work, accept_loss=accept_loss)
    _ERR.print(
        f"made anew from {done.files} files; {done.published.written} rollups written, {done.published.unchanged} unchanged"
    )
    if done.old:
        _ERR.print(f"the old lake lies in {done.old}; delete it when all is well")


@takes_settings
def upkeep(choice: SettingsChoice) -> None:
    """Packs tables, deletes rows past their days and files that nothing needs any more. Once a day is enough."""
    from metrics_lake.catalog import stored
    from metrics_lake.jobs.upkeep import upkeep as look_after

    with options.working(choice, "upkeep") as (work, _):
        done = look_after(work, stored())
    _ERR.print(f"{done.tables} tables looked after, {done.landing_files} landing files deleted")
