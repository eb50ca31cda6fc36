"""`metrics-lake look`: one log without any settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

import typer

from metrics_lake.cli.output.consoles import console


def register(app: typer.Typer) -> None:
    app.command()(look)


def look(
    files: Annotated[list[Path], typer.Argument(help="HAProxy logs, plain or packed", metavar="FILE…")],
    timezone: Annotated[
        str,
        typer.Option("--timezone", help="Clock of stamps without a zone, and of the answer", metavar="ZONE"),
    ] = "UTC",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write the proposed tenants.yaml to this file too; it must not be there", metavar="FILE"
        ),
    ] = None,
) -> None:
    """Show what one log holds: streams, sessions, listeners at once, players. Needs no settings and writes nothing."""
    from metrics_lake.cli.screens.look_answer import write, write_proposal
    from metrics_lake.jobs.look import look as look_at

    if timezone not in available_timezones():
        raise typer.BadParameter(
            f"no such time zone: {timezone!r}; use an IANA name such as Africa/Johannesburg", param_hint="--timezone"
        )
    if out is not None and out.exists():
        raise typer.BadParameter(f"{out} is there already; name another file", param_hint="--out")
    answer = look_at(files, timezone)
    write(answer, console())
    if out is not None:
        write_proposal(answer, out)
