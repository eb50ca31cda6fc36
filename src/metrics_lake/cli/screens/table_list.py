"""`show` without a table: the name of each table, and what it answers."""

from __future__ import annotations

import re

from rich.console import Console

from metrics_lake.catalog import about, tables
from metrics_lake.cli.output.layout import Column, table


def write_list(console: Console) -> None:
    names = tuple(tables())
    texts = tuple(re.split(r"(?<=[.?]) ", about(source))[0].replace("`", "") for source in tables().values())
    room = console.width - max(map(len, names)) - 2
    shortened = tuple(text if len(text) <= room else f"{text[: room - 1]}…" for text in texts)
    console.print(table([Column("table", names), Column("answers", shortened)], console.width))
    console.print("\n`show TABLE` shows its newest rows; CATALOG.md explains each column", style="dim")
