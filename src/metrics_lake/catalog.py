"""Every table and metric, as CATALOG.md and for commands that take a table's name. `python -m metrics_lake.catalog` writes it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import ModuleType

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.gold import restatements
from metrics_lake.model.tables import Table, View


def metrics() -> list[ModuleType]:
    """The modules of gold, in the order of their names."""
    from importlib import import_module
    from pkgutil import iter_modules

    from metrics_lake import gold

    modules = (import_module(f"{gold.__name__}.{found.name}") for found in iter_modules(gold.__path__))
    return [module for module in modules if hasattr(module, "METRIC")]


def tables() -> dict[str, Table | View]:
    """Every table and view by its name."""
    from metrics_lake.silver import downloads, sessions

    raw = [table for feed in FEEDS for table in feed.tables]
    physical: list[Table | View] = [
        *raw,
        restatements.TABLE,
        sessions.TABLE,
        downloads.TABLE,
        *(m.TABLE for m in metrics()),
    ]
    return {table.name: table for table in physical}


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
        yield f"{_about(table)}\n"
        yield "| column | type | meaning |\n| --- | --- | --- |"
        yield from (f"| `{c.name}` | {c.type.replace('|', '/')} | {c.comment} |" for c in table.fields)
        yield ""


def _about(table: Table | View) -> str:
    if isinstance(table, View):
        return f"Rows of `{table.of.name}` whose `row_kind` is `{table.kind}`."
    kept = f" Kept for {table.keep.days} days." if table.keep else " Kept for good."
    parts = f" Partitioned by `{'`, `'.join(table.partitioned_by)}`." if table.partitioned_by else ""
    return f"{_question(table)}{parts}{kept}"


def _question(table: Table) -> str:
    from importlib import import_module

    from metrics_lake.silver import downloads, sessions

    raw = [import_module(feed.declared_in) for feed in FEEDS]
    for module in (*raw, restatements, sessions, downloads, *metrics()):
        if module.TABLE is table:
            return " ".join((inspect.getdoc(module) or "").split("\n\n")[0].split())
    raise LookupError(table.name)


if __name__ == "__main__":
    sys.stdout.write(render())
