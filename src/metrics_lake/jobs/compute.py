"""Changed sessions into every figure of the days they overlap, and of the periods that hold those days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from metrics_lake.config.settings import Settings, digest
from metrics_lake.config.tenants import Tenants
from metrics_lake.gold import listening_by_day
from metrics_lake.gold.discovery import of_grain, tables
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.jobs import changed_days, partitions, rolling_ends
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.over_parts import Frames
from metrics_lake.jobs.read_coverage import coverage
from metrics_lake.jobs.restatement_log import restate
from metrics_lake.model.calendars import Named
from metrics_lake.model.dimensions import DIMENSIONS
from metrics_lake.model.metrics import Grain, Metric
from metrics_lake.model.periods import Period
from metrics_lake.model.tables import Table, in_days
from metrics_lake.silver import sessions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

METRICS = tuple(metric.name for grain in ("day", "period") for metric in of_grain(grain))
_SESSIONS_IN_A_SHARE = 250_000
_MADE = 2  # raised where the same sessions give other figures than before, so that every lake works out its own anew
# What a lake's figures have always depended on, in the order of its digest: what is added since comes behind, and alone makes
# lakes work out their figures anew.
_FIRST_TABLES = (
    "gold.listeners_by_minute",
    "gold.listening_by_hour",
    "gold.listening_by_day",
    "gold.session_lengths_by_day",
    "gold.dimensions_by_day",
    "gold.listening_by_period",
    "gold.dimensions_by_period",
)
_FIRST_DIMENSIONS = ("source", "player", "os", "device", "country", "region", "stream")  # fmt: skip
_DAYS_AT_ONCE = 62  # of a long backfill: what this process holds of it at any time


@dataclass(frozen=True)
class Due:
    """What has to be worked out: days, from sessions of version `through`; gold had seen them up to `since`."""

    days: tuple[date, ...]
    since: int
    through: int
    rules: str
    metric: str | None = None
    is_all: bool = False  # no row of any other day stays

    def wanted(self, grain: Grain) -> list[Metric]:
        """The metrics of a grain that were asked for; all, where none was named."""
        return [metric for metric in of_grain(grain) if self.metric in (None, metric.name)]

    def progress(self, *, is_last: bool) -> Progress:
        """What a commit says that it had read; only the last of several ends what is due."""
        through = self.through if is_last else self.since
        return Progress(
            "compute", {sessions.TABLE.name: through}, self.rules, tuple(on.isoformat() for on in self.days)
        )


def compute(work: JobContext, *, days: Sequence[date] = (), metric: str | None = None) -> bool:
    """Brings gold, or one metric of it, up to silver.sessions, and works `days` out anew; false if nothing was due."""
    due = _due(work, days, metric)
    if due is None:
        return False
    if due.wanted("day"):
        for part in _slices(due.days):
            work.on_step(f"working out {len(part)} days, from {part[0]} to {part[-1]}")
            _by_day(work, due, part)
    if due.wanted("period"):
        work.on_step("working out weeks, months, years and rolling periods")
        _by_period(work, due)
    return True


def settled(settings: Settings, tenants: Tenants) -> str:
    """A digest of all that gold's figures depend on beside sessions: settings, and which columns and dimensions there are."""
    clocks = {name: tenant.calendar for name, tenant in tenants.tenants.items()}
    return digest(
        [
            _MADE,
            settings.privacy.minimum_group,
            settings.sessions.length_edges_minutes,
            {name: vars(clock) for name, clock in clocks.items()},
            [table.names for table in sorted(tables("day", "period"), key=_place_in_digest)],
            *(vars(dimension) for dimension in DIMENSIONS if dimension.name not in _FIRST_DIMENSIONS),
        ]
    )


def _place_in_digest(table: Table) -> tuple[int, str]:
    place = _FIRST_TABLES.index(table.name) if table.name in _FIRST_TABLES else len(_FIRST_TABLES)
    return place, table.name


def _due(work: JobContext, backfilled: Sequence[date], metric: str | None) -> Due | None:
    """The days that sessions changed since the table furthest behind, and those to backfill; all of them after other settings."""
    version, rules = work.commit_log.version(sessions.TABLE), settled(work.settings, work.tenants)
    if version < 0:
        return None
    lasts = {table.name: work.commit_log.last(table) for table in tables("day", "period")}
    known = {name: last for name, last in lasts.items() if last and last.progress.rules == rules}
    has_all = len(known) == len(lasts)
    since = min(last.progress.watermark[sessions.TABLE.name] for last in known.values()) if has_all else -1
    changed = changed_days.changed(work, since)
    days = tuple(sorted(changed.days.union(backfilled)))
    if days:
        return Due(days, since, version, rules, metric, changed.is_all)
    rolling = Due((), since, since, rules, metric)
    if not has_all or not rolling.wanted("period"):
        return None
    return rolling if rolling_ends.are_behind(work, [known[table.name] for table in tables("period")]) else None


def _slices(days: Sequence[date]) -> Iterator[Sequence[date]]:
    return (days[at : at + _DAYS_AT_ONCE] for at in range(0, len(days), _DAYS_AT_ONCE))


def _by_day(work: JobContext, due: Due, days: Sequence[date]) -> None:
    edges, clocks = work.settings.sessions.length_edges_minutes, work.calendars
    metrics = due.wanted("day")
    frames = partitions.by_day(_sessions(work, clocks.bounds(days)), metrics, clocks, days, edges)
    progress = due.progress(is_last=days[-1] == due.days[-1])
    if listening_by_day.METRIC in metrics:
        new = frames.get(listening_by_day.TABLE.name, pl.DataFrame())
        restate(work, days, new, progress, due.since, due.through)
    for metric in metrics:
        rows = frames.get(metric.table.name, pl.DataFrame())
        work.delta_tables.replace(metric.table, rows, in_days("listened_on", days), progress)


def _by_period(work: JobContext, due: Due) -> None:
    through, clocks = coverage(work.settings).received_through, work.calendars
    named = Named(periods_of(work, due.days, through), due.is_all and through is not None)
    metrics, frames = due.wanted("period"), Frames()
    if named.tenant_periods:
        shares = 1 + work.delta_tables.count(sessions.TABLE) // _SESSIONS_IN_A_SHARE
        minimum_group, rows = work.settings.privacy.minimum_group, _sessions(work, named.within)
        frames = partitions.by_period(rows, metrics, clocks, named, shares, minimum_group)
    progress = replace(due.progress(is_last=True), more=rolling_ends.note(work, through))
    for metric in metrics:
        rows = frames.get(metric.table.name, pl.DataFrame())
        work.delta_tables.replace(metric.table, rows, named.where, progress)


def _sessions(work: JobContext, within: tuple[datetime, datetime]) -> pl.DataFrame | DataFrame:
    """The sessions of a stretch of time: in this process where they are so few that starting Spark would take longer."""
    between = sessions.Between(*within)
    if work.delta_tables.count(sessions.TABLE, between.expr) <= work.settings.spark.from_rows:
        return work.delta_tables.frame(sessions.TABLE, between.expr, partitions.READ)
    from pyspark.sql import functions as F

    return work.spark_tables.read(sessions.TABLE).where(between.condition(F.col))


def periods_of(work: JobContext, days: Iterable[date], through: datetime | None) -> dict[str, list[Period]]:
    """For each tenant with figures: the periods that hold any of the days, and those that end with `through`.

    `through` is the end of the last hour received; before the first file there are no periods.
    """
    if through is None:
        return {}
    days = list(days)
    figures = work.delta_tables.frame(listening_by_day.TABLE, columns=("tenant", "listened_on"))
    spans = figures.group_by("tenant").agg(first_on=pl.col("listened_on").min(), last_on=pl.col("listened_on").max())
    periods = {}
    for tenant, first_on, last_on in spans.sort("tenant").iter_rows():
        calendar = work.calendars.by_tenant.get(tenant)
        if calendar:
            through_on = calendar.day_of(through - timedelta(microseconds=1))
            periods[tenant] = work.calendars.periods(tenant, days, (first_on, last_on), through_on)
    return periods
