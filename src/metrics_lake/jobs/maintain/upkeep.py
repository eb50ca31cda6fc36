"""Tables packed, rows and files past their days deleted; nothing that a number depends on changes.

Everything happens under the lake's lock, so no job writes meanwhile; readers keep the files they began with for
`upkeep.vacuum_days`. Each commit repeats the progress of the last job's commit: a table that only upkeep writes to for a
month, and whose log is then cut, still has its watermark.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.io.landing.local_landing import LocalLanding, unchanged
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.feeds import Feed
from metrics_lake.model.tables import Table

_NOTED = "spark.databricks.delta.commitInfo.userMetadata"
_OPTIONS = {
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",  # no writer is at work: leftovers are a crash's
    "spark.databricks.delta.skipRecordingEmptyCommits": "true",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",  # VACUUM lists in so many tasks; Spark's own is 10,000
}
_NO_DAY = date(1970, 1, 1)  # of files without a request: they tell that an hour came empty, and are few
_UNKNOWN = "1970-01-01T00:00:00+00:00"  # of files whose account a new checkpoint took over
_OPEN_DAYS = timedelta(days=2)  # in every zone of the world these may still be written to


@dataclass(frozen=True)
class Kept:
    """How many tables were maintained and landing files deleted."""

    tables: int
    landing_files: int


def upkeep(context: JobContext, tables: Iterable[Table], now: datetime | None = None) -> Kept:
    """Of each table that is there: retention, OPTIMIZE of closed days, VACUUM; then landing files past their days."""
    today = (now or datetime.now(timezone.utc)).date()
    existing = [table for table in tables if context.commit_log.version(table) >= 0]
    for table in existing:
        context.on_step(f"looking after {table.name}")
        _maintain(context, table, today)
    return Kept(len(existing), _delete_landing(context, today))


def _maintain(context: JobContext, table: Table, today: date) -> None:
    """Figures and what is little without Spark, all else by it (DECISIONS.md, 15 and 20)."""
    last = context.commit_log.last(table)
    noted = replace(last.progress, job="upkeep", days=()) if last else None
    hours = context.settings.upkeep.vacuum_days * 24
    if table.name.startswith("gold.") or context.delta_tables.count(table) <= context.settings.spark.from_rows:
        context.delta_tables.tidy(table, past(table, today), hours, noted)
        return
    spark, place = context.spark_tables.spark, f"delta.`{context.spark_tables.path(table)}`"
    options = {**_OPTIONS, **({_NOTED: noted.as_text()} if noted else {})}
    before = {name: spark.conf.get(name, None) for name in options}
    try:
        for name, value in options.items():
            spark.conf.set(name, value)
        for statement in statements(table, place, today, hours):
            spark.sql(statement)
    finally:
        for name, value_before in before.items():
            spark.conf.unset(name) if value_before is None else spark.conf.set(name, value_before)


def past(table: Table, today: date) -> str | None:
    """Which rows are past the table's days; None where it keeps them for good."""
    day = _day(table)
    if not day or not table.keep:
        return None
    return f"{day} < DATE'{(today - table.keep).isoformat()}' AND {day} <> DATE'{_NO_DAY}'"


def statements(table: Table, place: str, today: date, vacuum_hours: int) -> list[str]:
    """What Spark does to a table, in order."""
    gone, day = past(table, today), _day(table)
    closed = f" WHERE {day} < DATE'{(today - _OPEN_DAYS).isoformat()}'" if day else ""
    delete = [f"DELETE FROM {place} WHERE {gone}"] if gone else []
    return [*delete, f"OPTIMIZE {place}{closed}", f"VACUUM {place} RETAIN {vacuum_hours} HOURS"]


def _day(table: Table) -> str | None:
    return next((name for name in table.partitioned_by if name.endswith("_on")), None)


def _delete_landing(context: JobContext, today: date) -> int:
    """Deletes each feed's landing files that are older than `upkeep.landing_days`, were ingested, and are as they were then."""
    days = context.settings.upkeep.landing_days
    if days is None:
        return 0
    cutoff = datetime.combine(today - timedelta(days=days), datetime.min.time(), timezone.utc)
    old = [path for feed in FEEDS for path in _ingested_before(context, feed, cutoff)]
    for path in old:
        path.unlink()
    return len(old)


def _ingested_before(context: JobContext, feed: Feed, cutoff: datetime) -> list[Path]:
    """A feed's ingested files that were last modified before `cutoff` and have not changed since they were read."""
    intake = context.intake(feed)
    read = (entry for number in range(1, intake.committed + 1) for entry in intake.manifest.batch(number).entries)
    newest = {entry.path: entry for entry in read}
    landed = intake.landed(LocalLanding(context.settings.storage.landing))
    return [
        landed[entry.path]
        for entry in newest.values()
        if datetime.fromisoformat(entry.modified_at or _UNKNOWN) < cutoff
        and entry.path in landed
        and unchanged(landed[entry.path], entry)
    ]
