"""Everything that a lake has of a tenant that tenants.yaml no longer names: visits, sessions and figures deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import polars as pl

from metrics_lake.jobs.context import JobContext
from metrics_lake.model.tables import Table


class EraseTenantError(Exception):
    """A tenant can't be erased now; the message says what to do first."""


def rows_of(context: JobContext, tenant: str, tables: Iterable[Table]) -> dict[str, int]:
    """How many rows each of the tables has of a tenant, by its name; those without any are left out."""
    if tenant in context.tenants.tenants:
        raise EraseTenantError(
            f"{context.settings.tenants_file} still names {tenant}, so its lines would come back: take it out of there first"
        )
    of_tenant = [table for table in tables if "tenant" in table.names]
    counts = {table.name: context.delta_tables.count(table, pl.col("tenant") == tenant) for table in of_tenant}
    return {name: count for name, count in counts.items() if count}


def erase_tenant(context: JobContext, tenant: str, tables: Iterable[Table], rows: Mapping[str, int]) -> None:
    """Deletes these rows, and the files of older versions that have them. Doing it again changes nothing."""
    for table in (table for table in tables if table.name in rows):
        context.on_step(f"deleting {rows[table.name]} rows from {table.name}")
        last = context.commit_log.last(table)
        where = f"tenant IS NOT NULL AND tenant = '{tenant}'"  # a condition that is null would delete rows of nobody
        context.delta_tables.delete(table, where, replace(last.progress, days=()) if last else None)
        context.delta_tables.purge(table)
