"""Changed sessions into every figure of the days they overlap, and of the periods that hold those days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.bronze.completeness import complete_through
from metrics_lake.gold import (
    dimensions_by_day,
    dimensions_by_period,
    listeners_by_day,
    listeners_by_minute,
    listening_by_day,
    listening_by_hour,
    listening_by_period,
    session_lengths_by_day,
    stays,
)
from metrics_lake.io.history import Progress
from metrics_lake.io.lake import in_days
from metrics_lake.jobs.refine import days_overlapped
from metrics_lake.jobs.work import Work
from metrics_lake.periods import Period
from metrics_lake.settings import Settings, digest
from metrics_lake.silver import sessions
from metrics_lake.tables import Table
from metrics_lake.tenants import Tenants

BY_DAY = (
    listeners_by_minute.TABLE,
    listening_by_hour.TABLE,
    listening_by_day.TABLE,
    session_lengths_by_day.TABLE,
    dimensions_by_day.TABLE,
    listeners_by_day.TABLE,
)
BY_PERIOD = (listening_by_period.TABLE, dimensions_by_period.TABLE)
METRICS = tuple(table.name.partition(".")[2] for table in (*BY_DAY, *BY_PERIOD))
_AT_ONCE = 3


@dataclass(frozen=True)
class Due:
    """What has to be worked out: the days, and what their commits will say they had read."""

    days: tuple[date, ...]
    progress: Progress
    metric: str | None = None

    def wants(self, table: Table) -> bool:
        return self.metric in (None, table.name.partition(".")[2])


def compute(work: Work, *, days: Sequence[date] = (), metric: str | None = None) -> bool:
    """Brings gold, or one metric of it, up to silver.sessions, and works `days` out anew; false if nothing was due."""
    due = _due(work, days, metric)
    if due is None:
        return False
    work.on_step(f"working out {len(due.days)} days")
    _by_day(work, due)
    work.on_step("working out weeks, months, years and rolling periods")
    _by_period(work, due)
    return True


def settled(settings: Settings, tenants: Tenants) -> str:
    """A digest of all settings that gold's figures depend on, beside those of its sessions."""
    clocks = {name: tenant.calendar for name, tenant in tenants.tenants.items()}
    return digest(
        [
            settings.privacy.minimum_group,
            settings.sessions.length_edges_minutes,
            {name: vars(clock) for name, clock in clocks.items()},
        ]
    )


def _due(work: Work, asked: Sequence[date], metric: str | None) -> Due | None:
    """The days that sessions changed since the table furthest behind, and those asked for; all after other settings."""
    version, rules = work.history.version(sessions.TABLE), settled(work.settings, work.tenants)
    if version < 0:
        return None
    lasts = [work.history.last(table) for table in (*BY_DAY, *BY_PERIOD)]
    known = [last for last in lasts if last and last.progress.rules == rules]
    if len(known) < len(lasts):
        days: set[str] = set(days_overlapped(work.lake.read(sessions.TABLE), work.tenants))
    else:
        behind = min(last.progress.through[sessions.TABLE.name] for last in known)
        days = {day for commit in work.history.commits(sessions.TABLE, after=behind) for day in commit.progress.days}
    days |= {on.isoformat() for on in asked}
    if not days:
        return None
    ordered = tuple(sorted(days))
    return Due(
        tuple(map(date.fromisoformat, ordered)),
        Progress("compute", {sessions.TABLE.name: version}, rules, ordered),
        metric,
    )


def _by_day(work: Work, due: Due) -> None:
    clock = work.lake.spark.createDataFrame(work.calendars.day_rows(due.days), stays.DAYS)
    hours = work.lake.spark.createDataFrame(work.calendars.hour_rows(due.days), stays.HOURS)
    start, end = work.calendars.bounds(due.days)
    near = (F.col("started_at") < F.lit(end)) & (F.coalesce("ended_at", "last_request_at") >= F.lit(start))
    pruned = work.lake.read(sessions.TABLE).where(near & (F.col("started_on") <= F.lit(end.date())))
    days = stays.by_day(pruned, clock).persist()
    net = days.where("exclusion IS NULL")
    minutes = listeners_by_minute.compute(net).persist()
    edges = work.settings.sessions.length_edges_minutes
    _replace_all(work, due, {
        listeners_by_minute.TABLE: lambda: minutes,
        listening_by_hour.TABLE: lambda: listening_by_hour.compute(days, minutes, hours),
        listening_by_day.TABLE: lambda: listening_by_day.compute(days, minutes),
        session_lengths_by_day.TABLE: lambda: session_lengths_by_day.compute(net, edges_minutes=edges),
        dimensions_by_day.TABLE: lambda: dimensions_by_day.compute(net),
        listeners_by_day.TABLE: lambda: listeners_by_day.compute(net, hours),
    }, in_days("listened_on", due.days))  # fmt: skip
    minutes.unpersist()
    days.unpersist()


def _by_period(work: Work, due: Due) -> None:
    periods = periods_of(work, due.days)
    rows = [(tenant, p.kind, p.name, p.first_on, p.end_on) for tenant, named in periods.items() for p in named]
    frame = work.lake.spark.createDataFrame(rows, listening_by_period.PERIODS)
    listeners = work.lake.read(listeners_by_day.TABLE)
    dimension_days = work.lake.read(dimensions_by_day.TABLE)
    _replace_all(work, due, {
        listening_by_period.TABLE: lambda: listening_by_period.compute(listeners, frame),
        dimensions_by_period.TABLE: lambda: dimensions_by_period.compute(
            listeners, dimension_days, frame, minimum_group=work.settings.privacy.minimum_group
        ),
    }, _in_periods(rows))  # fmt: skip


def periods_of(work: Work, days: Iterable[date]) -> dict[str, list[Period]]:
    """For each tenant with figures: the periods that hold any of the days."""
    through = received_through(work)
    days = list(days)
    held = work.lake.read(listening_by_day.TABLE).groupBy("tenant")
    spans = held.agg(F.min("listened_on").alias("first_on"), F.max("listened_on").alias("last_on")).collect()
    found = {}
    for row in spans:
        calendar = work.calendars.by_tenant.get(row.tenant)
        if calendar and through:
            last_on = calendar.day_of(through - timedelta(microseconds=1))
            found[row.tenant] = work.calendars.periods(row.tenant, days, (row.first_on, row.last_on), last_on)
    return found


def received_through(work: Work) -> datetime | None:
    """The instant up to which every proxy's files have arrived without a gap, UTC."""
    files = work.lake.read(bronze.FILES).where("first_logged_at IS NOT NULL")
    rows = files.select("proxy", F.unix_seconds("first_logged_at"), F.unix_seconds("last_logged_at")).collect()
    return complete_through(
        (proxy, datetime.fromtimestamp(first, timezone.utc), datetime.fromtimestamp(last, timezone.utc))
        for proxy, first, last in rows
    )


def _replace_all(work: Work, due: Due, made: dict[Table, Callable[[], DataFrame]], where: str) -> None:
    """Writes some tables at a time: each alone leaves cores idle while it plans and commits."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        writes = [
            pool.submit(work.lake.replace, table, make(), where, due.progress)
            for table, make in made.items()
            if due.wants(table)
        ]
        for write in writes:
            write.result()


def _in_periods(rows: list[tuple[str, str, str, date, date]]) -> str:
    names: dict[str, set[str]] = {}
    for _, kind, name, _, _ in rows:
        names.setdefault(kind, set()).add(name)
    each = (f"(kind = {kind!r} AND name IN ({', '.join(map(repr, sorted(held)))}))" for kind, held in names.items())
    return " OR ".join(each) or "FALSE"
