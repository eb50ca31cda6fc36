"""Figures of gold into what people read: rollup JSON by period, and documents by hour and day.

Only what changed is written: a blob or document whose numbers are the same stays byte for byte, its revision too.
A tenant's index comes after the blobs that it names, and what goes is taken out of it first; the note of what was published
comes last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache, partial

from metrics_lake.config.settings import contract
from metrics_lake.config.tenants import ALL_STREAMS
from metrics_lake.coverage.line_loss import lost_share
from metrics_lake.io.documents.open_store import documents_of
from metrics_lake.io.storage.blobs import Blobs, blobs_in
from metrics_lake.jobs import downloads
from metrics_lake.jobs.compute import periods_of
from metrics_lake.jobs.context import Work
from metrics_lake.jobs.partitions import BY_DAY, BY_PERIOD
from metrics_lake.jobs.publish import documents, index, plan
from metrics_lake.jobs.publish.inputs import Reach
from metrics_lake.jobs.publish.stale import Leftovers, leftovers, remove
from metrics_lake.jobs.read_coverage import lost, received
from metrics_lake.model.periods import Period
from metrics_lake.serve.rollup import rollup
from metrics_lake.serve.rollup.rows import Figures, Row
from metrics_lake.silver import sessions
from metrics_lake.sources.lookups.bots import rules_version


class PublishError(Exception):
    """Gold is not in a state to be published; the message says what to run."""


@dataclass(frozen=True)
class Published:
    """How much was written, and how much stood already as it should."""

    written: int = 0
    unchanged: int = 0

    def __add__(self, other: Published) -> Published:
        return Published(self.written + other.written, self.unchanged + other.unchanged)


def publish(
    work: Work, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc), *, accept_loss: bool = False
) -> Published:
    """Writes every blob and document that differs from what stands, and removes what there are no figures of any more.

    PublishError where days stand that were made from another lake, and this one doesn't hold, unless `accept_loss`.
    """
    blobs = blobs_in(work.settings.storage.rollups)
    before, present = plan.noted(blobs), plan.present(work)
    if not accept_loss and plan.is_same(before, present):
        return Published()
    standing = _standing(work) if present[plan.GOLD] >= 0 else None
    if standing is None:
        if accept_loss:
            _remove(work, _left(work, {}))
        return Published()
    _check_whole(work)
    work.on_step("publishing")
    is_everything = accept_loss or plan.is_everything(before, present)
    days = plan.days_held(work) if is_everything else plan.days_due(work, before, present, standing)
    reported = [] if is_everything else plan.days_reported(work, before, present)
    moved = [] if is_everything else plan.days_of_other_standing(work, before, standing)
    periods = periods_of(work, sorted({*days, *reported, *moved}), standing.complete_through)
    left = _left(work, periods) if is_everything else {}
    if before.get(plan.LAKE) != present[plan.LAKE] and not accept_loss:
        _check_kept(work, left)
    plan.begin(blobs, before, present, standing)
    _remove(work, left)
    marks = dict(before.get(plan.MARKS, {}))
    done = _write(work, blobs, periods, days, standing, marks, now)
    plan.end(blobs, present, standing, marks)
    return done


def _write(
    work: Work,
    blobs: Blobs,
    periods: Mapping[str, list[Period]],
    days: Sequence[date],
    standing: rollup.Standing,
    marks: dict[str, str],
    now: Callable[[], datetime],
) -> Published:
    """Each tenant's blobs, index and documents; `marks` gets those of the indexes."""
    reach, store, done = Reach(work, periods), documents_of(work.settings), Published()
    is_dealt = documents.are_many(work, days)
    for tenant, named in periods.items():
        figures, config = reach.figures(tenant), work.tenants.tenants[tenant]
        counted, looked_at = _write_blobs(work, blobs, tenant, named, figures, standing, now)
        done += counted
        marks[tenant] = index.write(blobs, tenant, config.name, config.timezone, looked_at, marks.get(tenant))
        documents.write_periods(store, tenant, named, figures, standing)
        if not is_dealt:
            documents.write_days(work, store, tenant, days, standing)
    if is_dealt:
        from metrics_lake.jobs.publish import documents_by_spark

        documents_by_spark.write_days(work, list(periods), days, standing)
    return done


def _standing(work: Work) -> rollup.Standing | None:
    arrived, losses = received(work.settings), lost(work.settings)
    if arrived.complete_through is None:
        return None
    restatement = timedelta(hours=work.settings.publish.restatement_hours)
    return rollup.Standing(arrived.complete_through, restatement, cache(partial(lost_share, arrived, losses)))


def _check_whole(work: Work) -> None:
    """All tables of gold must speak of the same sessions: a compute that was cut short is ended first."""
    lasts = [work.history.last(table) for table in (*BY_DAY, *BY_PERIOD)]
    versions = {last.progress.through[sessions.TABLE.name] if last else None for last in lasts}
    if len(versions) > 1:
        raise PublishError(
            "the figures are half worked out (an earlier compute was cut short): run `metrics-lake compute`"
        )


def _left(work: Work, periods: Mapping[str, Sequence[Period]]) -> dict[str, Leftovers]:
    return {tenant: leftovers(work, tenant, periods.get(tenant, ())) for tenant in work.tenants.tenants}


def _remove(work: Work, left: Mapping[str, Leftovers]) -> None:
    for tenant, of_tenant in left.items():
        remove(work, tenant, of_tenant)


def _check_kept(work: Work, left: Mapping[str, Leftovers]) -> None:
    """Landing may hold less than it did when these days were published; then a lake made from it is no better source."""
    days = [path for of_tenant in left.values() for path in of_tenant.days]
    if days:
        raise PublishError(
            f"{len(days)} rollups of days (such as {days[0]}) were made from another lake, and {work.settings.storage.lake} "
            "holds nothing of them: set storage.lake back or put their files into landing, or have these rollups and "
            "their documents removed by `metrics-lake publish --accept-loss`; nothing was changed"
        )


def _write_blobs(
    work: Work,
    blobs: Blobs,
    tenant: str,
    named: list[Period],
    figures: Figures,
    standing: rollup.Standing,
    now: Callable[[], datetime],
) -> tuple[Published, dict[str, Row]]:
    """What was done, and by path what the index says of each blob that was looked at."""
    done, looked_at, gone = Published(), dict[str, Row](), list[str]()
    settings, config = work.settings, work.tenants.tenants[tenant]
    shelf = rollup.Shelf(
        tenant, config.calendar, contract(settings, config, rules_version()), settings.sessions.length_edges_minutes
    )
    of_apps = downloads.sections(
        work, tenant, min(period.first_on for period in named), max(period.end_on for period in named)
    )
    there = cache(lambda: frozenset(index.blobs_of(blobs, tenant)))
    last = cache(partial(index.revisions, blobs, tenant))
    for stream in figures.streams(tenant):
        for period in named:
            path = rollup.path(tenant, stream, period)
            if not any(period.first_on <= on < period.end_on for on in figures.days[tenant, stream]):
                gone += [path] if path in there() else []
                continue
            old = blobs.read(path)
            fresh = rollup.rollup(shelf, stream, period, figures, standing)
            if stream == ALL_STREAMS and (section := of_apps(period)):
                fresh["downloads"] = section
            held: Row | None = json.loads(old) if old else None
            new = rollup.revised(fresh, held, now(), 0 if held else last().get(path, 0))
            done += Published(written=1) if new else Published(unchanged=1)
            if new:
                old = rollup.encoded(new)
                blobs.write(path, old)
            looked_at[path] = index.row(path, new or held or {}, len(old or b""))
    index.remove(blobs, tenant, gone)
    return done, looked_at
