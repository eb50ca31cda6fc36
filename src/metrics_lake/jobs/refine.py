"""New runs of requests, with all the sessions that they touch, into sessions.

A session is rebuilt from its evidence, never patched: the listeners and stretches of time that new runs touch are
read again from bronze, so a late piece, a doubled file or a run that came twice all end in the same rows. A few runs
are rebuilt in this process, many by Spark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.config.settings import Sessions, digest
from metrics_lake.io.lake.commit_log import Progress
from metrics_lake.jobs import changed_days
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.calendars import Calendars
from metrics_lake.model.tables import in_days
from metrics_lake.silver import sessions, tenant_days
from metrics_lake.silver.merging import KEY, READ, widest_gap

_RUNS_IN_A_SHARE = 500_000
_EVER = (datetime(1970, 1, 1, tzinfo=timezone.utc), datetime(9000, 1, 1, tzinfo=timezone.utc))
Field = Callable[[str], Any]  # makes a column out of its name: those of Spark and Polars are written alike
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Due:
    """Which runs are to be refined: those of batches `(since, through]`, and those that overlap `days`.

    `again` are stretches of time of which files were read again: sessions there may have lost runs.
    """

    since: int
    through: int
    days: Span | None
    rules: str
    again: tuple[Span, ...] = ()

    def has(self, field: Field) -> Any:
        is_new = field("batch_number") > self.since
        if self.days is None:
            return is_new
        return is_new | ((field("first_at") < self.days[1]) & (field("last_at") >= self.days[0]))

    def evidence(self, field: Field, within: Span) -> Any:
        """All runs of a stretch of time that show listening, new and old."""
        is_read = field("is_evidence") & (field("batch_number") <= self.through)
        return is_read & (field("happened_on") >= within[0].date()) & (field("happened_on") <= within[1].date())

    def progress(self, changed_on: Iterable[date], calendars: Calendars) -> Progress:
        days = tuple(on.isoformat() for on in sorted(changed_on))
        return Progress("refine", {bronze.TABLE.name: self.through}, self.rules, days, changed_days.note(calendars))


def refine(work: JobContext, *, days: Sequence[date] = ()) -> bool:
    """Brings silver.sessions up to the newest batch of bronze, and builds those of `days` anew; false if nothing was due."""
    last, through = work.commit_log.last(sessions.TABLE), work.intake(bronze.FEED).committed
    rules = rules_of(work.settings.sessions)
    since = last.progress.watermark[bronze.TABLE.name] if last and last.progress.rules == rules else 0
    if since >= through and not (days and last):
        return False
    work.on_step("building sessions")
    again = _read_again(work, last.progress.watermark[bronze.TABLE.name], through) if last else ()
    due = Due(since, through, work.calendars.bounds(days) if days else None, rules, again)
    within = _stretch(work, due) if since else _EVER
    rows = work.delta_tables.count(bronze.VISITS, due.evidence(pl.col, within))
    rows += work.delta_tables.count(sessions.TABLE, sessions.Between(*within).expr)
    if rows <= work.settings.spark.from_rows:
        _refine(work, due, within)
    else:
        from metrics_lake.jobs import refine_by_spark

        refine_by_spark.refine(work, due, within, shares=1 + rows // _RUNS_IN_A_SHARE)
    return True


def _read_again(work: JobContext, since: int, through: int) -> tuple[Span, ...]:
    """The stretches of time in which the replaced rows of these batches showed listening."""
    agains = (batch.again for batch in work.intake(bronze.FEED).manifest.batches(since, through))
    texts = ((again.started_at, again.ended_at) for again in agains if again and again.started_at)
    return tuple(
        (datetime.fromisoformat(started_at), datetime.fromisoformat(ended_at)) for started_at, ended_at in texts
    )


def rules_of(settings: Sessions) -> str:
    """A digest of all that sessions depend on beside their evidence.

    Where the gap of long connections is the longer one, sessions used to be looked for no further than the shorter: lakes
    of that time build theirs anew.
    """
    fields = settings.model_dump()
    is_other_now = settings.long_connection_gap_seconds > settings.gap_seconds
    return digest([fields, "reached by the longer gap"] if is_other_now else fields)


def _stretch(work: JobContext, due: Due) -> Span:
    """The stretch of time around the due runs that sessions of their listeners may lie in."""
    gap = widest_gap(work.settings.sessions)
    new = work.delta_tables.frame(
        bronze.VISITS, due.evidence(pl.col, _EVER) & due.has(pl.col), (*KEY, "first_at", "last_at")
    )
    spans = [*new.select(pl.col("first_at").min(), pl.col("last_at").max()).rows(), *due.again]
    spans = [span for span in spans if span[0]]
    if not spans:
        return _EVER[0], _EVER[0]
    low, high = min(span[0] for span in spans) - gap, max(span[1] for span in spans) + gap
    near = work.delta_tables.frame(
        sessions.TABLE, sessions.Between(low, high).expr, (*KEY, "started_at", "ended_at", "last_request_at")
    )
    touched = pl.concat([near.join(new, on=KEY, how="semi"), near.filter(sessions.touches(due.again))])
    older = touched.select(pl.col("started_at").min(), tenant_days.last_known().max()).row(0)
    return min(low, older[0] or low) - gap, max(high, older[1] or high) + gap


def _refine(work: JobContext, due: Due, within: Span) -> None:
    runs = work.delta_tables.frame(bronze.VISITS, due.evidence(pl.col, within), (*READ, "batch_number"))
    near = work.delta_tables.frame(sessions.TABLE, sessions.Between(*within).expr)
    changes = sessions.rebuilt(runs.with_columns(is_due=due.has(pl.col)), near, work.settings.sessions, due.again)
    parts = changes["started_on"].unique().to_list()
    stored = work.delta_tables.frame(sessions.TABLE, pl.col("started_on").is_in(parts))
    kept = stored.join(changes.filter(change=sessions.DELETE), on="session_id", how="anti")
    rows = pl.concat([changes.filter(change=sessions.INSERT).select(kept.columns), kept])
    ordered = rows.sort("tenant", "stream", "started_at", "session_id")
    progress = due.progress(tenant_days.touched(changes, work.calendars.by_tenant), work.calendars)
    work.delta_tables.replace(sessions.TABLE, ordered, in_days("started_on", parts), progress)
