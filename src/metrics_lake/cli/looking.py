"""The commands that look: rows of tables, listening over any range. None of them starts Spark."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli import options
from metrics_lake.cli.options import Conf, Env, Set

Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="At most so many rows [default: 20 in a table, else all]")
]


class Format(str, Enum):
    table = "table"
    csv = "csv"
    json = "json"


class By(str, Enum):
    hour = "hour"
    day = "day"
    week = "week"
    month = "month"


class DownloadsBy(str, Enum):
    day = "day"
    store = "store"
    country = "country"
    app = "app"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print it")]


def register(app: typer.Typer) -> None:
    app.command()(show)
    app.command()(listening)
    app.command()(downloads)
    audit = typer.Typer(no_args_is_help=True, help="Checks of what was received and of what must never be written.")
    audit.command("completeness")(completeness)
    audit.command("privacy")(privacy)
    app.add_typer(audit, name="audit")
    formats = typer.Typer(no_args_is_help=True, help="Which log format a file has, and what a log-format string reads.")
    formats.command("detect")(detect)
    formats.command("check")(check)
    app.add_typer(formats, name="formats")


def show(
    table: Annotated[str, typer.Argument(help="Such as silver.sessions or bronze.rejects", metavar="TABLE")],
    format_: FormatOption = Format.table,
    limit: Limit = None,
    conf: Conf = None,
    env: Env = None,
    set_: Set = None,
) -> None:
    """Rows of a table, the newest first."""
    from metrics_lake.catalog import tables
    from metrics_lake.cli.rows import rows_of, write

    options.known(table, tuple(tables()), "TABLE")
    settings = options.settings(conf, env, set_)
    limit = limit or (20 if format_ is Format.table else None)
    write(rows_of(settings.storage.lake, tables()[table], limit), format_.value, Console(), title=table)


def listening(
    tenant: Annotated[str, typer.Option("--tenant", help="Whose streams", metavar="T")],
    from_: Annotated[str, typer.Option("--from", help="First day or hour: 2026-11-01, 2026-11-01T18:00", metavar="D")],
    to: Annotated[str, typer.Option("--to", help="Last day, included; or hour, not included", metavar="D")],
    by: Annotated[By, typer.Option("--by", help="One row for each")] = By.day,
    stream: Annotated[
        list[str] | None, typer.Option("--stream", help="One stream; repeatable [default: *, all of them]", metavar="S")
    ] = None,
    new_since: Annotated[
        str | None,
        typer.Option("--new-since", help="Also tell who is new: not there from this day until --from", metavar="DAY"),
    ] = None,
    format_: FormatOption = Format.table,
    conf: Conf = None,
    env: Env = None,
    set_: Set = None,
) -> None:
    """Sessions, hours, unique and peak listeners over any range, with a chart. From the documents: no Spark."""
    from metrics_lake.cli.listening import ask, tell
    from metrics_lake.cli.spans import span

    asked = span(from_, to, new_since)
    answer = ask(options.settings(conf, env, set_), tenant, stream or ["*"], asked, by.value)
    tell(answer, format_.value, Console())


def downloads(
    tenant: Annotated[str, typer.Option("--tenant", help="Whose apps", metavar="T")],
    from_: Annotated[str, typer.Option("--from", help="First day, such as 2026-11-01", metavar="DAY")],
    to: Annotated[str, typer.Option("--to", help="Last day, included", metavar="DAY")],
    by: Annotated[DownloadsBy, typer.Option("--by", help="One row for each")] = DownloadsBy.day,
    format_: FormatOption = Format.table,
    conf: Conf = None,
    env: Env = None,
    set_: Set = None,
) -> None:
    """Downloads of a tenant's apps over any range of days, with a chart. Days not reported are told, not shown as zero."""
    from metrics_lake.cli.downloads import ask, tell

    days = options.days(from_, to)
    tell(ask(options.settings(conf, env, set_), tenant, days[0], days[-1], by.value), format_.value, Console())


def completeness(format_: FormatOption = Format.table, conf: Conf = None, env: Env = None, set_: Set = None) -> None:
    """Received and missing hours by proxy, and what became of the lines of each file."""
    from metrics_lake.cli.completeness import account

    if not account(options.settings(conf, env, set_), format_.value, Console()):
        raise typer.Exit(1)


def privacy(
    addresses: Annotated[
        str | None,
        typer.Option("--addresses", help="File with one address a line [default: those in landing]", metavar="FILE"),
    ] = None,
    also: Annotated[list[str] | None, typer.Option("--also", help="Search this file or folder too; repeatable")] = None,
    conf: Conf = None,
    env: Env = None,
    set_: Set = None,
) -> None:
    """Searches every byte that the system wrote for addresses and keys; exit 1 if one is found."""
    from metrics_lake.cli.privacy import search, tell

    report = search(options.settings(conf, env, set_), addresses, also or [])
    tell(report, Console())
    if not report.is_clean:
        raise typer.Exit(1)


def detect(file: Annotated[str, typer.Argument(help="A log, packed or not", metavar="FILE")]) -> None:
    """Names the format of a file by its first lines."""
    from metrics_lake.cli.formats import first_lines, tell_detected

    tell_detected(first_lines(file), Console())


def check(
    file: Annotated[str, typer.Argument(help="A log, packed or not", metavar="FILE")],
    format_: Annotated[str, typer.Option("--format", help="A format's name, or a log-format string of haproxy.cfg")],
    conf: Conf = None,
    env: Env = None,
    set_: Set = None,
) -> None:
    """Shows what a format reads from a file's first lines, under the settings' haproxy part; exit 1 if not all."""
    from metrics_lake.cli.formats import first_lines, tell_checked

    haproxy = options.settings(conf, env, set_).haproxy
    if not tell_checked(format_, first_lines(file), haproxy, Console(markup=False, highlight=False)):
        raise typer.Exit(1)
