"""New runs of requests, with all the sessions that they touch, into sessions.

A session is rebuilt from its evidence, never patched: the listeners and stretches of time that new runs touch are
read again from bronze, so a late piece, a doubled file or a run that came twice all end in the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.io.history import Progress
from metrics_lake.io.lake import in_days
from metrics_lake.jobs.work import Work
from metrics_lake.settings import digest
from metrics_lake.silver import sessions
from metrics_lake.tenants import Tenants

_COLUMNS = list(sessions.TABLE.names)
_EVERYTHING = "started_on IS NOT NULL"


def refine(work: Work, *, days: Sequence[date] = ()) -> bool:
    """Brings silver.sessions up to the newest batch of bronze, and builds those of `days` anew; false if nothing was due."""
    last, through = work.history.last(sessions.TABLE), work.stream.committed
    settled = digest(work.settings.sessions.model_dump())
    since = last.progress.through[bronze.TABLE.name] if last and last.progress.rules == settled else 0
    if since >= through and not (days and last):
        return False
    work.on_step("building sessions")
    visits = work.lake.read(bronze.VISITS).where("is_evidence").where(F.col("batch_number") <= through)
    old = work.lake.read(sessions.TABLE)
    if since:
        due = (F.col("batch_number") > since) | _of_days(work, days)
        reach = _reach(visits.where(due), old, work.settings.sessions.gap_seconds)
        visits, old = _within(visits, reach), _touching(old, reach).persist()
    fresh = sessions.refine(visits, rules=work.settings.sessions).persist()
    changed_on = days_overlapped(_changed(fresh, old) if last else fresh, work.tenants)
    where, rows = _EVERYTHING, fresh
    if since:
        parts = _parts(fresh, old)
        where, rows = in_days("started_on", parts), fresh.unionByName(_kept(work.lake.read(sessions.TABLE), old, parts))
    progress = Progress("refine", {bronze.TABLE.name: through}, settled, changed_on)
    work.lake.replace(sessions.TABLE, rows, where, progress)
    fresh.unpersist()
    return True


def _of_days(work: Work, days: Sequence[date]) -> Column:
    """Runs that overlap the tenants' days."""
    if not days:
        return F.lit(False)
    start, end = work.calendars.bounds(days)
    return (F.col("first_at") < F.lit(end)) & (F.col("last_at") >= F.lit(start))


def _reach(new: DataFrame, old: DataFrame, gap_seconds: float) -> DataFrame:
    """For each listener and stream of new runs: the stretch of time, low to high, in which sessions may change."""
    gap = F.lit(timedelta(seconds=gap_seconds))
    spans = new.groupBy(*sessions.KEY).agg(
        (F.min("first_at") - gap).alias("low"), (F.max("last_at") + gap).alias("high")
    )
    spans = spans.persist()
    touched = _touching(old, spans).groupBy(*sessions.KEY)
    older = touched.agg(F.min("started_at").alias("old_low"), F.max(_reached()).alias("old_high"))
    joined = spans.join(older, list(sessions.KEY), "left")
    low, high = F.least("low", "old_low"), F.greatest("high", "old_high")
    return joined.select(*sessions.KEY, low.alias("low"), high.alias("high")).persist()


def _reached() -> Column:
    return F.coalesce("ended_at", "last_request_at")


def _touching(old: DataFrame, reach: DataFrame) -> DataFrame:
    """The sessions that touch their listener's stretch."""
    low, high = _bounds(reach)
    near = old.where((F.col("started_at") <= F.lit(high)) & (_reached() >= F.lit(low)))
    joined = near.join(F.broadcast(reach), list(sessions.KEY))
    return joined.where((F.col("started_at") <= F.col("high")) & (_reached() >= F.col("low"))).select(_COLUMNS)


def _within(visits: DataFrame, reach: DataFrame) -> DataFrame:
    """Every run, whenever it came, that lies in its listener's stretch; no run lies half in it."""
    low, high = _bounds(reach)
    near = visits.where(F.col("happened_on").between(F.lit(low.date()), F.lit(high.date())))
    joined = near.join(F.broadcast(reach), list(sessions.KEY))
    return joined.where(F.col("first_at").between(F.col("low"), F.col("high"))).select(*visits.columns)


def _bounds(reach: DataFrame) -> tuple[datetime, datetime]:
    row = reach.agg(F.min("low"), F.max("high")).collect()[0]
    nothing = datetime(1970, 1, 1)
    return row[0] or nothing, row[1] or nothing


def _changed(fresh: DataFrame, old: DataFrame) -> DataFrame:
    """Sessions that are new, gone or different."""
    fresh, old = fresh.select(_COLUMNS), old.select(_COLUMNS)
    return fresh.exceptAll(old).unionByName(old.exceptAll(fresh))


def days_overlapped(changed: DataFrame, tenants: Tenants) -> tuple[str, ...]:
    """The days, on their tenants' clocks, that these sessions overlap."""
    zones = {name: (tenant.timezone, tenant.broadcast_day_starts) for name, tenant in tenants.tenants.items()}

    def local(instant: Column) -> Column:
        on = F.lit(None).cast("date")
        for name, (zone, starts) in zones.items():
            shift = timedelta(hours=int(starts[:2]), minutes=int(starts[3:5]))
            on = F.when(
                F.col("tenant") == name, F.to_date(F.from_utc_timestamp(instant, zone) - F.lit(shift))
            ).otherwise(on)
        return on

    each = F.explode(F.sequence(local(F.col("started_at")), local(_reached())))
    rows = changed.select(each.alias("on_day")).distinct().collect()
    return tuple(sorted(row.on_day.isoformat() for row in rows))


def _parts(fresh: DataFrame, old: DataFrame) -> list[date]:
    """The partitions that hold a session of either."""
    rows = fresh.select("started_on").union(old.select("started_on")).distinct().collect()
    return sorted(row.started_on for row in rows)


def _kept(stored: DataFrame, old: DataFrame, parts: list[date]) -> DataFrame:
    """The other sessions of these partitions, which stay as they are."""
    return (
        stored.where(in_days("started_on", parts))
        .join(old.select("session_id"), "session_id", "left_anti")
        .select(_COLUMNS)
    )
