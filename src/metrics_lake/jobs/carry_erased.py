"""Sessions of epochs whose key is destroyed, taken from an old lake into the one that a rebuild makes.

Their lines are rejected when they are read again, so without these rows their published totals would go too; and an erasure of
keys promises that totals stay. Their listeners lead to no one, and to no other session: ids of an epoch are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timezone

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.jobs import changed_days, refine
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.tables import in_days
from metrics_lake.privacy import salts
from metrics_lake.privacy.hashing import epoch_of
from metrics_lake.silver import sessions, tenant_days

JOB = "carry"


def carry(old: JobContext, fresh: JobContext) -> int:
    """Writes them, a day a commit, into a lake without sessions; returns how many."""
    is_destroyed, count = _destroyed(old), 0
    days = old.delta_tables.frame(sessions.TABLE, columns=("tenant", "started_on")).unique()
    gone = [(tenant, on) for tenant, on in days.sort("started_on", "tenant").iter_rows() if is_destroyed(tenant, on)]
    for on in dict.fromkeys(on for _, on in gone):
        tenants = [tenant for tenant, day in gone if day == on]
        where = (pl.col("started_on") == on) & pl.col("tenant").is_in(tenants)
        rows = old.delta_tables.frame(sessions.TABLE, where)
        fresh.delta_tables.replace(sessions.TABLE, rows, in_days("started_on", [on]), _progress(fresh, rows))
        count += rows.height
    return count


def _destroyed(context: JobContext) -> Callable[[str, date], bool]:
    privacy = context.settings.privacy
    if privacy.key_rotation == "never":
        return lambda tenant, on: False
    known = salts.read(privacy.keys_file)
    return lambda tenant, on: known.is_destroyed(
        tenant, epoch_of(datetime.combine(on, time(), timezone.utc), privacy.key_rotation)
    )


def _progress(context: JobContext, rows: pl.DataFrame) -> Progress:
    """As if refined before the first batch."""
    days = sorted(tenant_days.touched(rows, context.calendars.by_tenant))
    return Progress(
        JOB,
        {bronze.TABLE.name: 0},
        refine.rules_of(context.settings.sessions),
        tuple(on.isoformat() for on in days),
        changed_days.note(context.calendars),
    )
