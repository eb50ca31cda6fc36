"""`metrics-lake downloads`: downloads of a tenant's apps over any range of days."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from metrics_lake.cli import options
from metrics_lake.cli.options import Format, FormatOption, From, SettingsChoice, TenantName, To, takes_settings
from metrics_lake.cli.output.consoles import console


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
    tenant: TenantName = None,
    from_: From = None,
    to: To = None,
    by: Annotated[DownloadsBy, typer.Option("--by", help="One row per day, store, country or app")] = DownloadsBy.day,
    format_: FormatOption = Format.table,
) -> None:
    """Show app downloads of any range of days, with a chart; without options list the tenants.

    Days that a store has not reported are unknown, not zero.
    """
    from metrics_lake.cli.screens.downloads_answer import ask, write_answer
    from metrics_lake.cli.screens.tenant_list import write_tenants

    settings = choice.load()
    if tenant is None and from_ is None and to is None:
        return write_tenants(settings, "downloads", console())
    tenant = options.given_tenant(settings, tenant)
    days = options.days(options.given(from_, "--from"), options.given(to, "--to"))
    write_answer(ask(settings, tenant, days[0], days[-1], by.value), format_.value, console())
