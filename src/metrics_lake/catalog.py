"""Every table and metric, as CATALOG.md and for commands that take a table's name. `python -m metrics_lake.catalog` writes it.

With `reasons` or `frontend` behind it, it writes docs/reasons.md or docs/frontend.md.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.gold import discovery, restatements
from metrics_lake.model.tables import Table, View
from metrics_lake.serve import frontend_page
from metrics_lake.silver import downloads, sessions
from metrics_lake.sources import reasons


def tables() -> dict[str, Table | View]:
    """Every table and view by its name."""
    raw = [table for feed in FEEDS for table in feed.tables]
    derived = [restatements.TABLE, sessions.TABLE, downloads.TABLE, *(metric.TABLE for metric in discovery.modules())]
    return {table.name: table for table in (*raw, *derived)}


def stored() -> list[Table]:
    """The tables themselves, without views."""
    return [table for table in tables().values() if isinstance(table, Table)]


def render() -> str:
    """CATALOG.md: what each table answers, and what each column means."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield "# Tables and columns\n"
    yield "Made by `python -m metrics_lake.catalog` from the declarations beside the code; a test keeps it true.\n"
    for name, table in tables().items():
        yield f"## {name}\n"
        yield f"{about(table)}\n"
        yield "| column | type | meaning |\n| --- | --- | --- |"
        yield from (f"| `{c.name}` | {c.type.replace('|', '/')} | {c.comment} |" for c in table.fields)
        yield ""


def about(table: Table | View) -> str:
    """What a table answers, how it is partitioned and how long its rows are kept."""
    if isinstance(table, View):
        return f"Rows of `{table.table.name}` whose `row_kind` is `{table.kind}`."
    kept = f" Kept for {table.keep.days} days." if table.keep else " Kept for good."
    parts = f" Partitioned by `{'`, `'.join(table.partitioned_by)}`." if table.partitioned_by else ""
    return f"{_question(table)}{parts}{kept}"


def _question(table: Table) -> str:
    raw = [import_module(feed.declared_in) for feed in FEEDS]
    for module in (*raw, restatements, sessions, downloads, *discovery.modules()):
        if module.TABLE is table:
            return " ".join((inspect.getdoc(module) or "").split("\n\n")[0].split())
    raise LookupError(table.name)


if __name__ == "__main__":
    pages = {"reasons": reasons.render, "frontend": frontend_page.render}
    sys.stdout.write(pages.get("".join(sys.argv[1:]), render)())
