"""`metrics-lake show`: the newest rows of a table."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli import options
from metrics_lake.cli.options import Format, FormatOption, SettingsChoice, takes_settings

Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Number of rows (default: 20 in a table, all in csv and json)")
]


def register(app: typer.Typer) -> None:
    app.command()(show)


@takes_settings
def show(
    choice: SettingsChoice,
    table: Annotated[
        str, typer.Argument(help="Name of a table, such as silver.sessions or bronze.rejects", metavar="TABLE")
    ],
    format_: FormatOption = Format.table,
    limit: Limit = None,
) -> None:
    """Show the newest rows of a table. Does not start Spark."""
    from metrics_lake.catalog import tables
    from metrics_lake.cli.output.rows import rows_of, write

    options.known(table, tuple(tables()), "TABLE")
    settings = choice.load()
    limit = limit or (20 if format_ is Format.table else None)
    write(rows_of(settings.storage.lake, tables()[table], limit), format_.value, Console(), title=table)
