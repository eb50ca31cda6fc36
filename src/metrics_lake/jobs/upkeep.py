"""Tables packed, rows and files past their days deleted; nothing that a number depends on changes.

Everything happens under the lake's lock, so no job writes meanwhile; readers keep the files they began with for
`upkeep.vacuum_days`. Each commit repeats what the last job's commit remembers, so that a table that is only looked
after for a month, and whose log is then cut, still knows how far it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from pyspark.sql import SparkSession

from metrics_lake.io.stream import unchanged
from metrics_lake.jobs.work import Work
from metrics_lake.tables import Table

_NOTED = "spark.databricks.delta.commitInfo.userMetadata"
_CHECKED = "spark.databricks.delta.retentionDurationCheck.enabled"
_NO_DAY = date(1970, 1, 1)  # of files without a request: they tell that an hour came empty, and are few
_UNKNOWN = "1970-01-01T00:00:00+00:00"  # of files whose account a new checkpoint took over
_OPEN_DAYS = timedelta(days=2)  # in every zone of the world these may still be written to


@dataclass(frozen=True)
class Kept:
    """What was done: tables looked after, landing files deleted."""

    tables: int
    landing_files: int


def upkeep(work: Work, tables: Iterable[Table], now: datetime | None = None) -> Kept:
    """Of each table that is there: retention, OPTIMIZE of closed days, VACUUM; then landing files past their days."""
    today = (now or datetime.now(timezone.utc)).date()
    held = [table for table in tables if work.history.version(table) >= 0]
    for table in held:
        work.on_step(f"looking after {table.name}")
        _look_after(work, table, today)
    return Kept(len(held), _delete_landing(work, today))


def _look_after(work: Work, table: Table, today: date) -> None:
    spark, place = work.lake.spark, f"delta.`{Path(work.lake.path(table)).resolve()}`"
    last = work.history.last(table)
    if last:
        spark.conf.set(_NOTED, replace(last.progress, job="upkeep", days=()).as_text())
    try:
        for statement in statements(table, place, today, work.settings.upkeep.vacuum_days):
            _run(spark, statement)
    finally:
        spark.conf.unset(_NOTED)


def statements(table: Table, place: str, today: date, vacuum_days: int) -> list[str]:
    """What is done to a table, in order."""
    day = next((name for name in table.partitioned_by if name.endswith("_on")), None)
    found = []
    if day and table.keep:
        cutoff = (today - table.keep).isoformat()
        found.append(f"DELETE FROM {place} WHERE {day} < DATE'{cutoff}' AND {day} <> DATE'{_NO_DAY}'")
    closed = f" WHERE {day} < DATE'{(today - _OPEN_DAYS).isoformat()}'" if day else ""
    found.append(f"OPTIMIZE {place}{closed}")
    found.append(f"VACUUM {place} RETAIN {vacuum_days * 24} HOURS")
    return found


def _run(spark: SparkSession, statement: str) -> None:
    before = spark.conf.get(_CHECKED, "true")
    spark.conf.set(_CHECKED, "false")  # no writer is at work: what no commit names is left over from a crash
    try:
        spark.sql(statement)
    finally:
        spark.conf.set(_CHECKED, before or "true")


def _delete_landing(work: Work, today: date) -> int:
    """Landing files that were taken in, are as they were then, and older than `upkeep.landing_days`."""
    days = work.settings.upkeep.landing_days
    if days is None:
        return 0
    cutoff = datetime.combine(today - timedelta(days=days), datetime.min.time(), timezone.utc)
    read = [entry for n in range(1, work.stream.committed + 1) for entry in work.stream.manifest.batch(n).entries]
    newest = {entry.path: entry for entry in read}
    old = [
        path
        for entry in newest.values()
        if datetime.fromisoformat(entry.modified_at or _UNKNOWN) < cutoff
        and unchanged(path := Path(work.settings.storage.landing, entry.path), entry)
    ]
    for path in old:
        path.unlink()
    return len(old)
