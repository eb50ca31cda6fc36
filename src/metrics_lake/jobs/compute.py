"""Changed sessions into every figure of the days they overlap, and of the periods that hold those days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import polars as pl

from metrics_lake.config.settings import Settings, digest
from metrics_lake.config.tenants import Tenants
from metrics_lake.gold import listening_by_day
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.jobs import changed_days, partitions, rolling_ends
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.partitions import BY_DAY, BY_PERIOD
from metrics_lake.jobs.read_coverage import coverage
from metrics_lake.jobs.restatement_log import restate
from metrics_lake.model.calendars import Named
from metrics_lake.model.dimensions import DIMENSIONS
from metrics_lake.model.periods import Period
from metrics_lake.model.tables import Table, in_days
from metrics_lake.silver import sessions

METRICS = tuple(table.name.partition(".")[2] for table in (*BY_DAY, *BY_PERIOD))
_SESSIONS_IN_A_SHARE = 250_000
_MADE = 2  # raised where the same sessions give other figures than before, so that every lake works out its own anew
_KNOWN_DIMENSIONS = (
    "source",
    "player",
    "os",
    "device",
    "country",
    "region",
    "stream",
)  # to every lake; any other is news
_DAYS_AT_ONCE = 62  # of a long backfill: what this process holds of it at any time


@dataclass(frozen=True)
class Due:
    """What has to be worked out: days, from sessions of version `through`; gold had seen them up to `since`."""

    days: tuple[date, ...]
    since: int
    through: int
    rules: str
    metric: str | None = None
    is_all: bool = False  # nothing but what these days hold is to stand

    def wanted(self, tables: Iterable[Table]) -> list[Table]:
        return [table for table in tables if self.metric in (None, table.name.partition(".")[2])]

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
    if due.wanted(BY_DAY):
        for some in _some_at_a_time(due.days):
            work.on_step(f"working out {len(some)} days, from {some[0]} to {some[-1]}")
            _by_day(work, due, some)
    if due.wanted(BY_PERIOD):
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
            [table.names for table in (*BY_DAY, *BY_PERIOD)],
            *(vars(dimension) for dimension in DIMENSIONS if dimension.name not in _KNOWN_DIMENSIONS),
        ]
    )


def _due(work: JobContext, asked: Sequence[date], metric: str | None) -> Due | None:
    """The days that sessions changed since the table furthest behind, and those asked for; all after other settings."""
    version, rules = work.commit_log.version(sessions.TABLE), settled(work.settings, work.tenants)
    if version < 0:
        return None
    lasts = [work.commit_log.last(table) for table in (*BY_DAY, *BY_PERIOD)]
    known = [last for last in lasts if last and last.progress.rules == rules]
    has_all = len(known) == len(lasts)
    since = min(last.progress.watermark[sessions.TABLE.name] for last in known) if has_all else -1
    found = changed_days.changed(work, since)
    days = tuple(sorted(found.days.union(asked)))
    if days:
        return Due(days, since, version, rules, metric, found.is_all)
    of_ends = Due((), since, since, rules, metric)
    is_behind = has_all and of_ends.wanted(BY_PERIOD) and rolling_ends.are_behind(work, known[len(BY_DAY) :])
    return of_ends if is_behind else None


def _some_at_a_time(days: Sequence[date]) -> Iterator[Sequence[date]]:
    return (days[at : at + _DAYS_AT_ONCE] for at in range(0, len(days), _DAYS_AT_ONCE))


def _by_day(work: JobContext, due: Due, days: Sequence[date]) -> None:
    edges, clocks = work.settings.sessions.length_edges_minutes, work.calendars
    within = clocks.bounds(days)
    if _are_few(work, within):
        made = partitions.by_day_here(_sessions(work, within), clocks, days, edges)
    else:
        made = partitions.collected(partitions.by_day(work.spark_tables.read(sessions.TABLE), clocks, days, edges))
    is_last = days[-1] == due.days[-1]
    if listening_by_day.TABLE in due.wanted(BY_DAY):
        new = made.get(listening_by_day.TABLE.name, pl.DataFrame())
        restate(work, days, new, due.progress(is_last=is_last), due.since, due.through)
    for table in due.wanted(BY_DAY):
        rows, progress = made.get(table.name, pl.DataFrame()), due.progress(is_last=is_last)
        work.delta_tables.replace(table, rows, in_days("listened_on", days), progress)


def _by_period(work: JobContext, due: Due) -> None:
    through, clocks = coverage(work.settings).complete_through, work.calendars
    named = Named(periods_of(work, due.days, through), due.is_all and through is not None)
    shares: partitions.Frames = {}
    if named.each:
        if _are_few(work, named.within):
            shares = partitions.by_period_here(_sessions(work, named.within), clocks, named.by_tenant)
        else:
            number = 1 + work.delta_tables.count(sessions.TABLE) // _SESSIONS_IN_A_SHARE
            shares = partitions.collected(
                partitions.by_period(work.spark_tables.read(sessions.TABLE), clocks, named, number)
            )
    made = partitions.put_together(shares, named, minimum_group=work.settings.privacy.minimum_group)
    noted = rolling_ends.note(work, through)
    for table in due.wanted(BY_PERIOD):
        rows, progress = made.get(table.name, pl.DataFrame()), replace(due.progress(is_last=True), more=noted)
        work.delta_tables.replace(table, rows, named.where, progress)


def _are_few(work: JobContext, within: tuple[datetime, datetime]) -> bool:
    """Whether the sessions of a stretch of time are so few that starting Spark would take longer."""
    rows = work.delta_tables.count(sessions.TABLE, sessions.between(pl.col, *within))
    return rows <= work.settings.spark.from_rows


def _sessions(work: JobContext, within: tuple[datetime, datetime]) -> pl.DataFrame:
    return work.delta_tables.frame(sessions.TABLE, sessions.between(pl.col, *within), partitions.READ)


def periods_of(work: JobContext, days: Iterable[date], through: datetime | None) -> dict[str, list[Period]]:
    """For each tenant with figures: the periods that hold any of the days, and those that end with `through`.

    `through` is up to when everything has arrived; before the first file there are no periods.
    """
    if through is None:
        return {}
    days = list(days)
    held = work.delta_tables.frame(listening_by_day.TABLE, columns=("tenant", "listened_on"))
    spans = held.group_by("tenant").agg(first_on=pl.col("listened_on").min(), last_on=pl.col("listened_on").max())
    found = {}
    for tenant, first_on, last_on in spans.sort("tenant").iter_rows():
        calendar = work.calendars.by_tenant.get(tenant)
        if calendar:
            through_on = calendar.day_of(through - timedelta(microseconds=1))
            found[tenant] = work.calendars.periods(tenant, days, (first_on, last_on), through_on)
    return found
