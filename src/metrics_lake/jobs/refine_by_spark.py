"""Sessions from more runs than one process holds: each share of a tenant's listeners is rebuilt by a worker, with silver's own
function, and Spark writes what changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.config.settings import Sessions
from metrics_lake.jobs.over_parts import as_polars
from metrics_lake.model.arrow import arrow_schema, fitted
from metrics_lake.model.periods import Calendar
from metrics_lake.model.tables import in_days
from metrics_lake.silver import sessions, tenant_days
from metrics_lake.silver.merging import READ

if TYPE_CHECKING:
    from metrics_lake.jobs.context import JobContext
    from metrics_lake.jobs.refine import Due, Span

_ADDED = {"change": ("STRING", pa.string()), "first_on": ("DATE", pa.date32()), "last_on": ("DATE", pa.date32())}


def refine(work: JobContext, due: Due, within: Span, shares: int) -> None:
    """Replaces the days of silver.sessions in which a session changed; each tenant's listeners are so many shares."""
    visits = work.spark_tables.read(bronze.VISITS).where(due.evidence(F.col, within))
    stored = work.spark_tables.read(sessions.TABLE)
    near = stored.where(sessions.Between(*within).condition(F.col))
    clocks, rules = work.calendars.by_tenant, work.settings.sessions
    dated = visits.withColumn("is_due", due.has(F.col))
    changes = rebuilt(dated, near, rules=rules, clocks=clocks, shares=shares, again=due.again)
    changes = changes.persist()
    changed = changes.select("started_on", "first_on", "last_on").distinct().collect()
    parts = sorted({row.started_on for row in changed})
    deleted = changes.where(F.col("change") == sessions.DELETE).select("session_id")
    inserted = changes.where(F.col("change") == sessions.INSERT).drop(*_ADDED)
    kept = stored.where(in_days("started_on", parts)).join(deleted, "session_id", "left_anti")
    rows = inserted.unionByName(kept.select(*inserted.columns))
    progress = due.progress(tenant_days.in_spans((row.first_on, row.last_on) for row in changed), work.calendars)
    work.spark_tables.replace(sessions.TABLE, rows, in_days("started_on", parts), progress)
    changes.unpersist()


def rebuilt(
    visits: DataFrame,
    stored: DataFrame,
    *,
    rules: Sessions,
    clocks: Mapping[str, Calendar],
    shares: int,
    again: Sequence[Span] = (),
) -> DataFrame:
    """What changes in silver.sessions: rows to insert and to delete, as `change` says, with the first and the last of the
    tenant's days that each touches (null where the tenant has no clock).

    `visits` are runs with `is_due`, for those that are new, and beside them all others of their listeners that a session of
    theirs may have; `stored` are such sessions.
    """
    schema = arrow_schema(sessions.TABLE)
    for column, (_, kind) in _ADDED.items():
        schema = schema.append(pa.field(column, kind))
    share = F.pmod(F.xxhash64("listener_id"), F.lit(shares)).alias("share")

    def on_worker(runs: pa.Table, old: pa.Table) -> pa.Table:
        changes = sessions.rebuilt(as_polars(runs).drop("share"), as_polars(old).drop("share"), rules, again)
        return fitted(tenant_days.with_days(changes, clocks), schema)

    runs = visits.select(*READ, "is_due", share).groupBy("tenant", "share")
    together = runs.cogroup(stored.select(*sessions.TABLE.names, share).groupBy("tenant", "share"))
    added = ", ".join(f"{column} {kind}" for column, (kind, _) in _ADDED.items())
    return together.applyInArrow(on_worker, f"{sessions.TABLE.ddl.replace(' NOT NULL', '')}, {added}")
