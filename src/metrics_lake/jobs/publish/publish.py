"""Publishes the figures of gold: rollup JSON by period, and documents by hour, day and longer period.

Only what changed is written: a rollup or document with the same numbers keeps its bytes and its revision. A tenant's index is
written after the rollups that it names, a rollup leaves the index before it is removed, and the note of what was published is
written last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import cache, partial

from metrics_lake.coverage.completeness import Coverage
from metrics_lake.coverage.hours import HOUR
from metrics_lake.coverage.line_loss import lost_share
from metrics_lake.gold import discovery
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.storage.blobs import Blobs, blobs_in
from metrics_lake.jobs import read_covered
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import documents, index, notes, plan, stale, tenants_list
from metrics_lake.jobs.publish.inputs import RollupInputs
from metrics_lake.jobs.publish.lower_days import lower_days
from metrics_lake.jobs.publish.plan import Plan
from metrics_lake.jobs.publish.rollups import Published, TenantRollups, context_of
from metrics_lake.jobs.read_coverage import coverage, give_up, line_loss
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.silver import sessions

__all__ = ["PublishError", "Published", "publish"]


class PublishError(Exception):
    """Gold is not in a state to be published; the message says what to run."""


def publish(
    work: JobContext,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    *,
    accept_loss: bool = False,
    everything: bool = False,
) -> Published:
    """Writes every rollup and document that differs from gold, and removes those of which gold has no figures any more.

    With `everything` all are compared, whatever the note of the last publish says: so what was lost or torn is written anew.
    PublishError where published days were made from another lake and this one doesn't have them, unless `accept_loss`.
    """
    blobs = blobs_in(work.settings.storage.rollups)
    last, current = plan.last_note(blobs), plan.current_note(work)
    moment = now()
    if everything:
        notes.remove_torn(blobs, (index.REMOVED,))
    elif not accept_loss and plan.is_same(last, current, moment):
        return Published()
    received = coverage(work.settings, moment)
    first_hours = read_covered.first_hours(work) if current[plan.GOLD] >= 0 else {}
    data_status = _data_status(work, received, first_hours) if current[plan.GOLD] >= 0 else None
    current[plan.FIRST_HOURS] = {tenant: hour.isoformat() for tenant, hour in first_hours.items()}
    if data_status is None:
        if accept_loss:
            stale.remove_all(work, stale.of_tenants(work, {}))
        return Published()
    _check_same_sessions(work)
    work.on_step("publishing")
    due = plan.due(work, last, current, data_status, everything=accept_loss or everything)
    stale_outputs = stale.of_tenants(work, due.periods) if due.is_everything else {}
    if last.get(plan.LAKE) != current[plan.LAKE] and not accept_loss:
        _check_other_lake(work, blobs, stale_outputs)
    plan.begin(blobs, last, current, data_status)
    stale.remove_all(work, stale_outputs)
    stale.remove_tenants(work, plan.removed_tenants(last, current))
    marks = _marks(work, due, last)
    published = _write(work, blobs, due, data_status, marks, now)
    plan.end(blobs, current, data_status, _given_up_at(work, received), marks)
    return published


def _marks(work: JobContext, due: Plan, last: plan.Note) -> dict[str, str]:
    """The marks of the indexes that stay valid for rollups that aren't compared."""
    earlier = {} if due.is_everything else last.get(plan.MARKS, {})
    return {tenant: mark for tenant, mark in earlier.items() if tenant in work.tenants.tenants}


def _write(
    work: JobContext,
    blobs: Blobs,
    due: Plan,
    data_status: DataStatus,
    marks: dict[str, str],
    now: Callable[[], datetime],
) -> Published:
    """Each tenant's rollups, index and documents; `marks` receives the marks of the indexes."""
    inputs, store, published = RollupInputs(work, due.periods), open_document_store(work.settings), Published()
    by_spark = documents.need_spark(work, due.days)
    for tenant, periods in due.periods.items():
        gold, config = inputs.of_tenant(tenant), work.tenants.tenants[tenant]
        rollups = TenantRollups(blobs, context_of(work, tenant, periods), gold, data_status, now)
        rollups.write(periods)
        published += rollups.published
        marks[tenant] = index.write(blobs, tenant, config.name, config.timezone, rollups.index_rows, marks.get(tenant))
        documents.write_periods(store, tenant, periods, gold, data_status)
        if not by_spark:
            documents.write_days(work, store, tenant, due.days, data_status)
    if by_spark:
        from metrics_lake.jobs.publish import documents_by_spark

        documents_by_spark.write_days(work, list(due.periods), due.days, data_status)
    tenants_list.write(blobs, work.tenants, marks, is_wanted=work.settings.publish.tenants_list)
    return published


def _data_status(work: JobContext, received: Coverage, first_hours: Mapping[str, datetime]) -> DataStatus | None:
    if received.complete_through is None:
        return None
    restatement, losses = timedelta(hours=work.settings.publish.restatement_hours), line_loss(work.settings)
    known = read_covered.covered_by_tenant(work, received, first_hours)
    return DataStatus(received.complete_through, restatement, cache(partial(lost_share, received, losses)), known)


def _given_up_at(work: JobContext, received: Coverage) -> datetime | None:
    """When the gap that holds `complete_through` is given up; None where nothing holds it."""
    through, last = received.complete_through, received.received_through
    return through + HOUR + give_up(work.settings) if through and last and through < last else None


def loss(work: JobContext) -> tuple[int, int, int]:
    """What `accept_loss` would remove or replace: rollups and documents without figures, and days that would show less."""
    blobs = blobs_in(work.settings.storage.rollups)
    periods = plan.every_period(work) if coverage(work.settings).received_through else {}
    outputs = list(stale.of_tenants(work, periods).values())
    lower = sum(1 for tenant in work.tenants.tenants for _ in lower_days(work, blobs, tenant))
    return sum(len(out.blobs) for out in outputs), sum(len(out.documents) for out in outputs), lower


def _check_same_sessions(work: JobContext) -> None:
    """All tables of gold must be computed from the same sessions: a compute that was interrupted is finished first."""
    commits = [work.commit_log.last(table) for table in discovery.tables("day", "period")]
    versions = {commit.progress.watermark[sessions.TABLE.name] if commit else None for commit in commits}
    if len(versions) > 1:
        raise PublishError(
            "the figures are half worked out (an earlier compute was cut short): run `metrics-lake compute`"
        )


def _check_other_lake(work: JobContext, blobs: Blobs, stale_outputs: dict[str, stale.StaleOutputs]) -> None:
    """What another lake published, this one must be able to replace."""
    _check_no_loss(work, stale_outputs)
    _check_not_lower(work, blobs)


def _check_no_loss(work: JobContext, stale_outputs: dict[str, stale.StaleOutputs]) -> None:
    """Landing may have fewer files than when these days were published; a lake made from it can't replace them."""
    days = [path for outputs in stale_outputs.values() for path in outputs.days]
    if days:
        raise PublishError(
            f"{len(days)} rollups of days (such as {days[0]}) were made from another lake, and {work.settings.storage.lake} "
            "holds nothing of them: set storage.lake back or put their files into landing, or have these rollups and "
            "their documents removed by `metrics-lake publish --accept-loss`; nothing was changed"
        )


def _check_not_lower(work: JobContext, blobs: Blobs) -> None:
    """Nor can it replace days of which a part is missing: by the same rules, a later lake never shows less of a day."""
    days = [path for tenant in work.tenants.tenants for path in lower_days(work, blobs, tenant)]
    if days:
        raise PublishError(
            f"{len(days)} rollups of days (such as {days[0]}) were made from another lake and show more listening than "
            f"{work.settings.storage.lake} does, since files are missing: set storage.lake back or put the files into landing, or "
            "have these figures replaced by `metrics-lake publish --accept-loss`; nothing was changed"
        )
