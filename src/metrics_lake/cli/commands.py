"""The commands that do work: demo, run, one for each arrow, backfill, rebuild, upkeep, doctor."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli import options
from metrics_lake.cli.options import Conf, Env, From, Set, To
from metrics_lake.cli.progress import shown

_ERR = Console(stderr=True)
Source = Annotated[str | None, typer.Option("--source", help="Only this feed, such as haproxy", metavar="NAME")]
TableName = Annotated[
    str | None, typer.Option("--table", help="Only this table, such as silver.sessions", metavar="NAME")
]
MetricName = Annotated[
    str | None, typer.Option("--metric", help="Only this metric, such as listening_by_day", metavar="NAME")
]


def register(app: typer.Typer) -> None:
    for command in (demo, run, ingest, refine, compute, publish, backfill, rebuild, upkeep, doctor):
        app.command()(command)


def run(conf: Conf = None, env: Env = None, set_: Set = None) -> None:
    """Every job once, in order, over whatever is new. Nothing new is a fast no-op."""
    from metrics_lake.cli import rejects, reports
    from metrics_lake.jobs.run import run as run_all

    with options.working(conf, env, set_, "run") as (work, steps):
        done = run_all(work, steps.ingested)
    rejects.tell(done.ingested.rejected, _ERR)
    reports.tell(work.settings.storage.lake, done.reports, _ERR)
    _ERR.print(
        f"{done.ingested.files + done.reports} files taken in, {done.published.written} rollups written, "
        f"{done.published.unchanged} unchanged"
    )


def ingest(
    conf: Conf = None,
    env: Env = None,
    set_: Set = None,
    source: Source = None,
    new_epoch: Annotated[
        bool, typer.Option("--new-epoch", help="With a new checkpoint, where the old one is torn or lost")
    ] = False,
) -> None:
    """Landing files that are new, into bronze."""
    from metrics_lake.cli import rejects, reports
    from metrics_lake.jobs import downloads
    from metrics_lake.jobs.epochs import begin_again
    from metrics_lake.jobs.ingest import Ingested
    from metrics_lake.jobs.ingest import ingest as take_in

    options.known(source, ("haproxy", *downloads.SOURCES), "--source")
    with options.working(conf, env, set_, "ingest") as (work, steps):
        of_logs, of_stores = source in (None, "haproxy"), source != "haproxy"
        if new_epoch and of_logs:
            _ERR.print(f"a new checkpoint begins behind batch {begin_again(work)}")
        if new_epoch and of_stores:
            _ERR.print(f"a new checkpoint of reports begins behind batch {downloads.begin_again(work)}")
        logs = take_in(work, steps.ingested) if of_logs else Ingested()
        new_reports = downloads.ingest(work, source) if of_stores else 0
    rejects.tell(logs.rejected, _ERR)
    reports.tell(work.settings.storage.lake, new_reports, _ERR)
    _ERR.print(f"{logs.files + new_reports} files taken in")


def refine(conf: Conf = None, env: Env = None, set_: Set = None, table: TableName = None) -> None:
    """New visits, with all they touch, into sessions; new reports of stores into downloads."""
    from metrics_lake.jobs import downloads
    from metrics_lake.jobs.refine import refine as build

    builders = {"silver.sessions": build, downloads.REFINED.name: downloads.refine}
    options.known(table, tuple(builders), "--table")
    with options.working(conf, env, set_, "refine") as (work, _):
        done = [name for name, rebuild in builders.items() if table in (None, name) and rebuild(work)]
    _ERR.print(f"{' and '.join(done)} rebuilt" if done else "nothing new to refine")


def compute(
    conf: Conf = None, env: Env = None, set_: Set = None, metric: MetricName = None, from_: From = None, to: To = None
) -> None:
    """Changed sessions into figures. With --from and --to those days anew; with --metric only that table of them."""
    from metrics_lake.jobs import downloads
    from metrics_lake.jobs.compute import METRICS
    from metrics_lake.jobs.compute import compute as work_out

    of_apps = downloads.WORKED_OUT.name.removeprefix("gold.")
    options.known(metric, (*METRICS, of_apps), "--metric")
    days = options.days(from_, to)
    with options.working(conf, env, set_, "compute") as (work, _):
        done = metric != of_apps and work_out(work, days=days, metric=metric)
        done = (metric in (None, of_apps) and downloads.compute(work, days)) or done
    _ERR.print("figures worked out" if done else "nothing new to compute")


def publish(
    accept_loss: Annotated[
        bool,
        typer.Option("--accept-loss", help="Remove what is published and this lake doesn't hold, whichever it was of"),
    ] = False,
    conf: Conf = None,
    env: Env = None,
    set_: Set = None,
) -> None:
    """Figures into rollup JSON and documents; only what changed is written."""
    from metrics_lake.jobs import downloads
    from metrics_lake.jobs.publish import publish as write

    with options.working(conf, env, set_, "publish") as (work, _):
        downloads.publish(work, accept_loss=accept_loss)
        done = write(work, accept_loss=accept_loss)
    _ERR.print(f"{done.written} rollups written, {done.unchanged} unchanged")


def backfill(
    from_: Annotated[str, typer.Option("--from", help="First day, such as 2026-11-01", metavar="DAY")],
    to: Annotated[str, typer.Option("--to", help="Last day, included", metavar="DAY")],
    conf: Conf = None,
    env: Env = None,
    set_: Set = None,
) -> None:
    """Works a range of days out anew, from bronze to the published JSON."""
    from metrics_lake.jobs.backfill import backfill as again

    days = options.days(from_, to)
    with options.working(conf, env, set_, "backfill") as (work, _):
        done = again(work, days)
    _ERR.print(f"{len(days)} days worked out anew; {done.written} rollups written, {done.unchanged} unchanged")


def rebuild(
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Even if landing no longer holds every file the lake was made from")
    ] = False,
    conf: Conf = None,
    env: Env = None,
    set_: Set = None,
) -> None:
    """Makes everything anew from landing; the old lake stays beside the new one."""
    from metrics_lake.jobs.rebuild import rebuild as anew

    with options.working(conf, env, set_, "rebuild") as (work, _):
        done = anew(work, accept_loss=accept_loss)
    _ERR.print(
        f"made anew from {done.files} files; {done.published.written} rollups written, {done.published.unchanged} unchanged"
    )
    if done.old:
        _ERR.print(f"the old lake lies in {done.old}; delete it when all is well")


def upkeep(conf: Conf = None, env: Env = None, set_: Set = None) -> None:
    """Packs tables, deletes rows past their days and files that nothing needs any more. Once a day is enough."""
    from metrics_lake.catalog import stored
    from metrics_lake.jobs.upkeep import upkeep as look_after

    with options.working(conf, env, set_, "upkeep") as (work, _):
        done = look_after(work, stored())
    _ERR.print(f"{done.tables} tables looked after, {done.landing_files} landing files deleted")


def demo(
    folder: Annotated[str, typer.Option("--folder", help="Where to put it all; emptied first", metavar="DIR")] = "demo",
    conf: Conf = None,
    env: Env = None,
    set_: Set = None,
) -> None:
    """The main job over a made-up week of three tenants, compared with what is known to be true."""
    from metrics_lake.cli.demo import demo as show_it

    with shown(_ERR) as steps:
        story = show_it(folder, conf, env, set_ or [], steps)
    story.tell(Console())
    if not story.is_true:
        raise typer.Exit(1)


def doctor(conf: Conf = None, env: Env = None, set_: Set = None) -> None:
    """Java, jars, storage, documents, clock, secret, tenants: what is wrong and how to mend it."""
    from metrics_lake.cli.doctor import examine

    if not examine(conf, env, set_ or [], Console()):
        raise typer.Exit(1)
