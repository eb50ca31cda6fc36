"""`metrics-lake listening`: sessions, hours, unique and peak listeners over any range."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli.options import Format, FormatOption, SettingsChoice, takes_settings


class By(str, Enum):
    hour = "hour"
    day = "day"
    week = "week"
    month = "month"


def register(app: typer.Typer) -> None:
    app.command()(listening)


@takes_settings
def listening(
    choice: SettingsChoice,
    tenant: Annotated[str, typer.Option("--tenant", help="Tenant, as named in tenants.yaml", metavar="T")],
    from_: Annotated[
        str, typer.Option("--from", help="First day or hour, such as 2026-11-01 or 2026-11-01T18:00", metavar="D")
    ],
    to: Annotated[str, typer.Option("--to", help="Last day (included) or end hour (not included)", metavar="D")],
    by: Annotated[By, typer.Option("--by", help="One row per hour, day, week or month")] = By.day,
    stream: Annotated[
        list[str] | None,
        typer.Option("--stream", help="Name of a stream. Can be repeated (default: *, all streams)", metavar="S"),
    ] = None,
    new_since: Annotated[
        str | None,
        typer.Option(
            "--new-since",
            help="Also count new listeners: not seen from this day until --from",
            metavar="DAY",
        ),
    ] = None,
    format_: FormatOption = Format.table,
) -> None:
    """Show sessions, hours, unique listeners and peaks of any range, with a chart. Does not start Spark."""
    from metrics_lake.cli.screens.listening_answer import ask, write_answer
    from metrics_lake.cli.time_range import time_range

    period = time_range(from_, to, new_since)
    answer = ask(choice.load(), tenant, stream or ["*"], period, by.value)
    write_answer(answer, format_.value, Console())
