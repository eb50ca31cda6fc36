"""`metrics-lake show`: the newest rows of a table; without a table's name, which tables there are."""

from __future__ import annotations

from typing import Annotated

import typer

from metrics_lake.cli import options
from metrics_lake.cli.options import Columns, Format, FormatOption, SettingsChoice, Wide, takes_settings
from metrics_lake.cli.output.consoles import console

_MOST_ROWS = 20  # in a table
_ADVICE = "--columns chooses, --wide shows all"
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Number of rows (default: 20 in a table, all in csv and json)")
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        help="Only rows with this value, such as tenant=acme. Can be repeated: all must hold. Instants are UTC; a day or "
        "a minute stands for all of it; nothing after = means rows without a value",
        metavar="COLUMN=VALUE",
    ),
]
Width = Annotated[
    int | None, typer.Option("--width", min=20, help="Characters in a line (default: those of the terminal)")
]
TenantTime = Annotated[
    bool, typer.Option("--tenant-time", help="Instants on the clock of each row's tenant, not in UTC")
]


def register(app: typer.Typer) -> None:
    app.command()(show)


@takes_settings
def show(
    choice: SettingsChoice,
    table: Annotated[
        str | None,
        typer.Argument(
            help="Name of a table, such as silver.sessions or bronze.rejects (default: list the tables)",
            metavar="TABLE",
        ),
    ] = None,
    format_: FormatOption = Format.table,
    limit: Limit = None,
    columns: Columns = None,
    where: Where = None,
    width: Width = None,
    wide: Wide = False,
    tenant_time: TenantTime = False,
) -> None:
    """Show the newest rows of a table, or which tables there are. Does not start Spark."""
    import polars as pl

    from metrics_lake.catalog import tables
    from metrics_lake.cli.output.conditions import condition
    from metrics_lake.cli.output.table_output import on_clocks, shown_rows, write
    from metrics_lake.cli.screens.table_list import write_list

    screen = console(width=width)
    if table is None:
        return write_list(screen)
    options.known(table, tuple(tables()), "TABLE")
    source, settings = tables()[table], choice.load()
    names = options.columns(columns, [column.name for column in source.fields]) if columns else None
    conditions = [condition(text, source.fields) for text in where or ()]
    most = limit or (_MOST_ROWS if format_ is Format.table else None)
    rows, order = shown_rows(settings.storage.lake, source, names, most and most + 1, conditions)
    if tenant_time:
        rows = on_clocks(rows, options.time_zones(settings))
    shown = rows.head(most or rows.height).select(names or pl.all())
    write(shown, format_.value, screen, title=table, is_wide=wide, advice=_ADVICE)
    if most and rows.height > most and format_ is Format.table:
        screen.print(f"the {order} {most} rows; --limit shows more, --where chooses", style="dim")
