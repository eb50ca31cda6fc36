"""`metrics-lake listening`: sessions, hours, unique and peak listeners over any range."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from metrics_lake.cli import options
from metrics_lake.cli.options import Format, FormatOption, SettingsChoice, TenantName, takes_settings
from metrics_lake.cli.output.consoles import console


class By(str, Enum):
    hour = "hour"
    day = "day"
    week = "week"
    month = "month"


Streams = Annotated[
    list[str] | None,
    typer.Option("--stream", help="Name of a stream. Can be repeated (default: *, all streams)", metavar="S"),
]
NewSince = Annotated[
    str | None,
    typer.Option("--new-since", help="Also count new listeners: not seen from this day until --from", metavar="DAY"),
]


def register(app: typer.Typer) -> None:
    app.command()(listening)


@takes_settings
def listening(
    choice: SettingsChoice,
    tenant: TenantName = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="First day or hour, such as 2026-11-01 or 2026-11-01T18:00", metavar="D"),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Last day (included) or end hour (not included)", metavar="D")
    ] = None,
    by: Annotated[By, typer.Option("--by", help="One row per hour, day, week or month")] = By.day,
    stream: Streams = None,
    new_since: NewSince = None,
    format_: FormatOption = Format.table,
) -> None:
    """Show sessions, hours, unique listeners and peaks of any range, with a chart; without options list the tenants."""
    from metrics_lake.cli.screens.listening_answer import ask, write_answer, write_extent
    from metrics_lake.cli.screens.tenant_list import write_tenants
    from metrics_lake.cli.time_range import time_range

    settings, screen = choice.load(), console()
    if tenant is None and from_ is None and to is None:
        return write_tenants(settings, "listening", screen)
    tenant = options.given_tenant(settings, tenant)
    period = time_range(options.given(from_, "--from"), options.given(to, "--to"), new_since)
    answer = ask(settings, tenant, stream or ["*"], period, by.value)
    write_answer(answer, format_.value, screen)
    if not answer.buckets and format_ is Format.table:
        write_extent(settings, answer, screen)
