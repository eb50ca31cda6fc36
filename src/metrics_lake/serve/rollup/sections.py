"""All sections of the rollup JSON, discovered in this folder, and the columns of gold that they read."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from metrics_lake.serve import rollup
from metrics_lake.serve.rollup.section import Section


@cache
def sections() -> tuple[Section, ...]:
    """The sections in the order in which they stand in the document."""
    modules = (import_module(f"{rollup.__name__}.{info.name}") for info in iter_modules(rollup.__path__))
    declared: list[Section] = [module.SECTION for module in modules if hasattr(module, "SECTION")]
    return tuple(sorted(declared, key=lambda section: (section.place, section.name)))


def columns_read() -> dict[str, list[str]]:
    """By table of gold the columns that any section reads."""
    columns: dict[str, dict[str, None]] = {}
    for section in sections():
        for table, names in section.reads.items():
            columns.setdefault(table, {}).update(dict.fromkeys(names))
    return {table: list(names) for table, names in columns.items()}
