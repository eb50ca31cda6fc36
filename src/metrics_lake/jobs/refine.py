"""New runs of requests, with all the sessions that they touch, into sessions.

A session is rebuilt from its evidence, never patched: the listeners and stretches of time that new runs touch are
read again from bronze, so a late piece, a doubled file or a run that came twice all end in the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.calendars import Calendars
from metrics_lake.io.history import Progress
from metrics_lake.io.lake import in_days
from metrics_lake.jobs.work import Work
from metrics_lake.settings import digest
from metrics_lake.silver import sessions
from metrics_lake.silver.merging import KEY

_RUNS_IN_A_SHARE = 500_000
_NEVER = datetime(1970, 1, 2, tzinfo=timezone.utc)


def refine(work: Work, *, days: Sequence[date] = ()) -> bool:
    """Brings silver.sessions up to the newest batch of bronze, and builds those of `days` anew; false if nothing was due."""
    last, through = work.history.last(sessions.TABLE), work.stream.committed
    settled = digest(work.settings.sessions.model_dump())
    since = last.progress.through[bronze.TABLE.name] if last and last.progress.rules == settled else 0
    if since >= through and not (days and last):
        return False
    work.on_step("building sessions")
    visits = work.lake.read(bronze.VISITS).where("is_evidence").where(F.col("batch_number") <= through)
    visits = visits.withColumn("is_due", (F.col("batch_number") > since) | _of_days(work, days))
    stored = work.lake.read(sessions.TABLE)
    near = _near(visits, stored, work.settings.sessions.gap_seconds) if since else (visits, stored)
    shares = 1 + work.small_tables.rows(bronze.TABLE) // _RUNS_IN_A_SHARE
    changes = sessions.refine(*near, rules=work.settings.sessions, shares=shares).persist()
    changed_on, parts = _changed(changes, work.calendars)
    went = changes.where(F.col("change") == sessions.WENT).select("session_id")
    came = changes.where(F.col("change") == sessions.CAME).drop("change")
    kept = stored.where(in_days("started_on", parts)).join(went, "session_id", "left_anti").select(*came.columns)
    progress = Progress("refine", {bronze.TABLE.name: through}, settled, changed_on)
    work.lake.replace(sessions.TABLE, came.unionByName(kept) if last else came, in_days("started_on", parts), progress)
    changes.unpersist()
    return True


def _of_days(work: Work, days: Sequence[date]) -> Column:
    """Runs that overlap the tenants' days."""
    if not days:
        return F.lit(False)
    start, end = work.calendars.bounds(days)
    return (F.col("first_at") < F.lit(end)) & (F.col("last_at") >= F.lit(start))


def _near(visits: DataFrame, stored: DataFrame, gap_seconds: float) -> tuple[DataFrame, DataFrame]:
    """Of all visits and sessions those of listeners with due visits, as far around these as their sessions may reach."""
    due, gap = visits.where("is_due"), timedelta(seconds=gap_seconds)
    low, high = _bounds(due, F.col("first_at"), F.col("last_at")) or (_NEVER, _NEVER)
    who = due.select(*KEY).distinct().persist()
    touched = stored.where(sessions.between(low - gap, high + gap)).join(who, list(KEY), "left_semi")
    old_low, old_high = _bounds(touched, F.col("started_at"), sessions.reached()) or (low, high)
    low, high = min(low, old_low) - gap, max(high, old_high) + gap
    in_reach = F.col("happened_on").between(F.lit(low.date()), F.lit(high.date()))
    around = visits.where(in_reach).join(who, list(KEY), "left_semi")
    return around, stored.where(sessions.between(low, high)).join(who, list(KEY), "left_semi")


def _bounds(rows: DataFrame, low: Column, high: Column) -> tuple[datetime, datetime] | None:
    """The lowest and the highest instant, UTC; None of no rows."""
    row = rows.agg(F.min(low), F.max(high)).collect()[0]
    return (row[0].astimezone(timezone.utc), row[1].astimezone(timezone.utc)) if row[0] else None


def _changed(changes: DataFrame, calendars: Calendars) -> tuple[tuple[str, ...], list[date]]:
    """The days that changed sessions overlap, and the partitions that hold them."""
    each = changes.select("started_on", F.explode(sessions.days(calendars.by_tenant)).alias("on_day"))
    rows = each.distinct().collect()
    return tuple(sorted({row.on_day.isoformat() for row in rows})), sorted({row.started_on for row in rows})


def days_overlapped(changed: DataFrame, calendars: Calendars) -> tuple[str, ...]:
    """The days, on their tenants' clocks, that these sessions overlap."""
    each = changed.select(F.explode(sessions.days(calendars.by_tenant)).alias("on_day")).distinct().collect()
    return tuple(sorted(row.on_day.isoformat() for row in each))
