"""Which days of gold have to be worked out, by what refine noted with each commit of silver.sessions.

A note names days of the tenants' calendars, so it holds only as long as these are what they were; else the sessions
themselves are asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from metrics_lake.config.settings import digest
from metrics_lake.gold import listening_by_day
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.calendars import Calendars
from metrics_lake.silver import sessions, tenant_days

_CALENDARS = "calendars"
_HOW = "spans"  # how days were worked out; other notes are of versions that subtracted hours from the wall clock
_EDGE = timedelta(days=2)  # a day of any tenant begins that much after its UTC day at most
_READ = ("tenant", "started_at", "ended_at", "last_request_at")


@dataclass(frozen=True)
class Changed:
    """The days; `is_all` where they are all that sessions and gold know of, so that no other may stay."""

    days: frozenset[date]
    is_all: bool = False


def note(calendars: Calendars) -> dict[str, Any]:
    """What a commit of sessions says beside its days: the calendars that these are of."""
    return {_CALENDARS: digest([_HOW, {name: vars(calendar) for name, calendar in calendars.by_tenant.items()}])}


def changed(work: JobContext, since: int) -> Changed:
    """The days that sessions changed after their version `since`; where gold begins anew (-1), every day."""
    commits = work.commit_log.commits(sessions.TABLE, after=since)
    has_all = since >= 0 or any(commit.version == 0 for commit in commits)  # a log loses its first commits some day
    calendars = note(work.calendars).items()
    is_known = has_all and all(not c.progress.days or calendars <= c.progress.more.items() for c in commits)
    days = {date.fromisoformat(day) for commit in commits for day in commit.progress.days}
    if is_known and since >= 0:
        return Changed(frozenset(days))
    return _every_day(work, days if is_known else _days_of_sessions(work))


def _every_day(work: JobContext, days: set[date]) -> Changed:
    """Those of sessions and those of gold, for what no session touches any more.

    Sessions are kept for some years and figures for good: figures of days whose sessions went stay as they are.
    """
    in_gold = set(work.delta_tables.frame(listening_by_day.TABLE, columns=("listened_on",))["listened_on"].unique())
    if not in_gold:
        return Changed(frozenset(days), is_all=True)
    first_on = work.delta_tables.frame(sessions.TABLE, columns=("started_on",))["started_on"].min()
    assert first_on is None or isinstance(first_on, date)
    if first_on is None or min(in_gold) >= first_on - _EDGE:
        return Changed(frozenset(days | in_gold), is_all=True)
    return Changed(frozenset(on for on in days | in_gold if on >= first_on + _EDGE))


def _days_of_sessions(work: JobContext) -> set[date]:
    clocks = work.calendars.by_tenant
    if work.delta_tables.count(sessions.TABLE) <= work.settings.spark.from_rows:
        return tenant_days.touched(work.delta_tables.frame(sessions.TABLE, columns=_READ), clocks)
    from pyspark.sql import functions as F

    from metrics_lake.jobs import session_columns

    dated = work.spark_tables.read(sessions.TABLE).where(F.col("tenant").isin(list(clocks)))
    last_on = F.to_date(session_columns.last_known())
    spans = dated.agg(F.min("started_on").alias("low"), F.max(last_on).alias("high")).collect()
    days = set[date]()
    for low, high in spans:  # one, of nothing where there are no sessions
        if low and high:
            touched = session_columns.days_touched(clocks, low - _EDGE, high + _EDGE)
            days = {row.on_day for row in dated.select(F.explode(touched).alias("on_day")).distinct().collect()}
    return days
