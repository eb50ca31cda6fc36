"""`metrics-lake show`: the newest rows of a table."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from metrics_lake.cli import options
from metrics_lake.cli.options import Columns, Format, FormatOption, SettingsChoice, Wide, takes_settings

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
    columns: Columns = None,
    wide: Wide = False,
) -> None:
    """Show the newest rows of a table. Does not start Spark."""
    from metrics_lake.catalog import tables
    from metrics_lake.cli.output.table_output import rows_of, write

    options.known(table, tuple(tables()), "TABLE")
    source, lake = tables()[table], choice.load().storage.lake
    names = options.columns(columns, [column.name for column in source.fields])
    rows = rows_of(lake, source, limit or (20 if format_ is Format.table else None)).select(names)
    write(rows, format_.value, Console(), title=table, is_wide=wide)
