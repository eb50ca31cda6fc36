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
) -> None:
    """Sessions, hours, unique and peak listeners over any range, with a chart. From the documents: no Spark."""
    from metrics_lake.cli.screens.listening_answer import ask, tell
    from metrics_lake.cli.time_range import span

    asked = span(from_, to, new_since)
    answer = ask(choice.load(), tenant, stream or ["*"], asked, by.value)
    tell(answer, format_.value, Console())
