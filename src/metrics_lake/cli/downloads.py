"""`metrics-lake downloads`: downloads of a tenant's apps over any range of days."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli import options
from metrics_lake.cli.options import Format, FormatOption, SettingsChoice, takes_settings


class DownloadsBy(str, Enum):
    day = "day"
    store = "store"
    country = "country"
    app = "app"


def register(app: typer.Typer) -> None:
    app.command()(downloads)


@takes_settings
def downloads(
    choice: SettingsChoice,
    tenant: Annotated[str, typer.Option("--tenant", help="Tenant, as named in tenants.yaml", metavar="T")],
    from_: Annotated[str, typer.Option("--from", help="First day, such as 2026-11-01", metavar="DAY")],
    to: Annotated[str, typer.Option("--to", help="Last day (included)", metavar="DAY")],
    by: Annotated[DownloadsBy, typer.Option("--by", help="One row per day, store, country or app")] = DownloadsBy.day,
    format_: FormatOption = Format.table,
) -> None:
    """Show app downloads of any range of days, with a chart. Days that a store has not reported are unknown, not zero."""
    from metrics_lake.cli.screens.downloads_answer import ask, write_answer

    days = options.days(from_, to)
    write_answer(ask(choice.load(), tenant, days[0], days[-1], by.value), format_.value, Console())
