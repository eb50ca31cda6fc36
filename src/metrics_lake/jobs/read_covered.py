"""Reads what is covered of each tenant's time, and which listening lies outside of it (definitions.md section 4). No Spark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.coverage.completeness import Coverage
from metrics_lake.coverage.covered import Covered, spans
from metrics_lake.coverage.hours import HOUR, hour_of
from metrics_lake.gold import listeners_by_minute, listening_by_day, listening_by_hour
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.periods import Calendar

_DAY = timedelta(days=1)
_HOUR = ("tenant", "hour_at", "hour_ends_at", "listened_on")
_Hours = Mapping[str, datetime]  # by tenant


def covered_by_tenant(work: JobContext, received: Coverage, first_hours: _Hours) -> dict[str, Covered]:
    """By tenant with figures what is covered; `first_hours` are those in which their first lines were logged."""
    covered = {tenant: Covered(spans(received.received_hours, first)) for tenant, first in first_hours.items()}
    outside = _outside(work, covered)
    return {tenant: Covered(known.spans, outside.get(tenant, {})) for tenant, known in covered.items()}


def first_hours(work: JobContext) -> dict[str, datetime]:
    """By tenant the hour in which its first line was logged, of those near its first day that has figures.

    Bronze is kept for some months; where it no longer has that day, the hour of the first session counts.
    """
    figures = work.delta_tables.frame(listening_by_day.TABLE, columns=("tenant", "listened_on"))
    by_tenant = figures.filter(pl.col("tenant").is_in(list(work.calendars.by_tenant)))
    first_on: dict[str, date] = dict(by_tenant.group_by("tenant").agg(pl.col("listened_on").min()).rows())
    if not first_on:
        return {}
    days = {on + _DAY * side for on in first_on.values() for side in (-1, 0, 1)}
    logged = _first_logged(work, pl.col("happened_on").is_in(sorted(days)) & _is_near(first_on))
    return {
        tenant: hour_of(logged.get(tenant) or _first_session(work, tenant, on, work.calendars.by_tenant[tenant]))
        for tenant, on in sorted(first_on.items())
    }


def _is_near(first_on: Mapping[str, date]) -> pl.Expr:
    return pl.any_horizontal(
        (pl.col("tenant") == tenant) & (pl.col("happened_on") <= on + _DAY) for tenant, on in first_on.items()
    )


def _first_logged(work: JobContext, within: pl.Expr) -> dict[str, datetime]:
    """By tenant when the first of these requests ended. A long connection that began first may be logged hours after others."""
    begun = work.delta_tables.frame(bronze.VISITS, within, ("tenant", "first_at"))
    until = {tenant: first + HOUR for tenant, first in begun.group_by("tenant").agg(pl.col("first_at").min()).rows()}
    logged = _ends(work, within, until)
    late = {tenant: end for tenant, end in logged.items() if end > until[tenant]}
    return logged | (_ends(work, within, late) if late else {})


def _ends(work: JobContext, within: pl.Expr, until: _Hours) -> dict[str, datetime]:
    """By tenant the first end of a request in the runs that began up to an instant."""
    if not until:
        return {}
    is_early = pl.any_horizontal((pl.col("tenant") == name) & (pl.col("first_at") <= at) for name, at in until.items())
    columns = ("tenant", "first_at", "offsets_ms", "durations_ms")
    runs = work.delta_tables.frame(bronze.VISITS, within & is_early, columns).explode("offsets_ms", "durations_ms")
    after = pl.duration(milliseconds=pl.col("offsets_ms") + pl.col("durations_ms").fill_null(0))
    return dict(runs.group_by("tenant").agg((pl.col("first_at") + after).min()).rows())


def _first_session(work: JobContext, tenant: str, on: date, calendar: Calendar) -> datetime:
    where = (pl.col("tenant") == tenant) & (pl.col("listened_on") == on)
    first = work.delta_tables.frame(listening_by_hour.TABLE, where, ("hour_at",))["hour_at"].min()
    return first if isinstance(first, datetime) else calendar.day_start(on)


def _outside(
    work: JobContext, covered: Mapping[str, Covered]
) -> dict[str, dict[str, tuple[tuple[datetime, float], ...]]]:
    """By tenant and stream the hours with listening that is not covered, and its seconds."""
    hours = _hours(work, covered)
    shares = _with_share(hours.select(_HOUR).unique(), covered)
    none, part = (shares.filter(share=share) for share in ("none", "part"))
    rows = pl.concat([hours.join(none, on=["tenant", "hour_at"]).select(_PIECE), _of_minutes(work, part, covered)])
    outside: dict[str, dict[str, tuple[tuple[datetime, float], ...]]] = {}
    for (tenant, stream), pieces in rows.sort("hour_at").group_by("tenant", "stream", maintain_order=True):
        outside.setdefault(str(tenant), {})[str(stream)] = tuple(pieces.select("hour_at", "listening_seconds").rows())
    return outside


_PIECE = ("tenant", "stream", "hour_at", "listening_seconds")


def _hours(work: JobContext, covered: Mapping[str, Covered]) -> pl.DataFrame:
    """The hours with listening of days that are not covered as a whole."""
    days = work.delta_tables.frame(listening_by_day.TABLE, columns=("tenant", "listened_on")).unique()
    partial = [
        (tenant, on) for tenant, on in days.rows() if tenant in covered and not _is_whole(work, tenant, on, covered)
    ]
    chosen = pl.DataFrame(partial, {"tenant": pl.String, "listened_on": pl.Date}, orient="row")
    where = pl.col("listened_on").is_in(chosen["listened_on"].unique().to_list()) & (pl.col("listening_seconds") > 0)
    rows = work.delta_tables.frame(listening_by_hour.TABLE, where, (*_HOUR, "stream", "listening_seconds"))
    return rows.join(chosen, on=["tenant", "listened_on"], how="semi")


def _is_whole(work: JobContext, tenant: str, on: date, covered: Mapping[str, Covered]) -> bool:
    day = work.calendars.by_tenant[tenant].day(on)
    return covered[tenant].seconds(day.start, day.end) == day.seconds


def _with_share(hours: pl.DataFrame, covered: Mapping[str, Covered]) -> pl.DataFrame:
    """Adds which share of each hour is covered: whole, part or none."""

    def share(tenant: str, start: datetime, end: datetime) -> str:
        seconds = covered[tenant].seconds(start, end)
        return "none" if not seconds else "part" if seconds < (end - start).total_seconds() else "whole"

    shares = [share(*row[:3]) for row in hours.rows()]
    return hours.with_columns(share=pl.Series(shares, dtype=pl.String))


def _of_minutes(work: JobContext, hours: pl.DataFrame, covered: Mapping[str, Covered]) -> pl.DataFrame:
    """Of hours that are covered in part, by their minutes, the listening that is not: in zones of :30 and :45."""
    days: Sequence[date] = hours["listened_on"].unique().to_list()
    minutes = work.delta_tables.frame(listeners_by_minute.TABLE, pl.col("listened_on").is_in(days)).sort("minute_at")
    starts = hours.select("tenant", "hour_at", "hour_ends_at").sort("hour_at")
    placed = minutes.join_asof(starts, left_on="minute_at", right_on="hour_at", by="tenant", check_sortedness=False)
    near = placed.filter(pl.col("minute_at") < pl.col("hour_ends_at"))
    log_hours = near.select("tenant", log_hour=pl.col("minute_at").dt.truncate("1h")).unique()
    uncovered = _uncovered(log_hours.rows(), covered)
    of_log = pl.DataFrame(uncovered, log_hours.schema, orient="row")
    kept = near.with_columns(log_hour=pl.col("minute_at").dt.truncate("1h")).join(of_log, on=["tenant", "log_hour"])
    summed = kept.group_by("tenant", "stream", "hour_at").agg(pl.col("listening_seconds").sum())
    return summed.select(_PIECE)


def _uncovered(hours: Iterable[tuple[str, datetime]], covered: Mapping[str, Covered]) -> list[tuple[str, datetime]]:
    return [(tenant, hour) for tenant, hour in hours if not covered[tenant].seconds(hour, hour + HOUR)]
