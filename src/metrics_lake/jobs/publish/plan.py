"""Plans a publish: which days and periods it compares, by the note of the last publish, `_published.json` beside the rollups.

The note names the lake of the rollups, the versions of its tables, a digest of the settings, up to when data was complete, when
the gap that holds this is given up, the first hour of each tenant, and the marks of the indexes (jobs/publish/index.py).
During a publish it has no marks, and lists under `underway` what the rollups may come from if that publish is interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.config.settings import contract, digest
from metrics_lake.coverage.changed_hours import changed_hours
from metrics_lake.gold import listening_by_day, listening_by_period
from metrics_lake.io.storage.blobs import Blobs
from metrics_lake.jobs import compute_downloads
from metrics_lake.jobs.compute import periods_of
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import notes
from metrics_lake.jobs.read_coverage import coverage, coverage_up_to, line_loss
from metrics_lake.model.periods import Period
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.rollup import rollup
from metrics_lake.sources.lookups.bots import rules_version

NOTE = "_published.json"
LAKE, GOLD, MARKS = "lake", "gold", "indexes"
_BATCH, _RULES, DOWNLOADS, _THROUGH, _UNDERWAY = "batch", "rules", "downloads", "complete_through", "underway"
_GIVEN_UP_AT, FIRST_HOURS = "given_up_at", "first_hours"
_TENANTS = "tenants"
_OF_ITS_WORK = (_THROUGH, _GIVEN_UP_AT, FIRST_HOURS, MARKS)
_DAY, _WITHIN_HOUR = timedelta(days=1), timedelta(minutes=59)

Note = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The days whose documents are compared, and by tenant the periods whose rollups are; `is_everything` if that is all."""

    is_everything: bool
    days: Sequence[date]
    periods: Mapping[str, list[Period]]


def due(work: JobContext, last: Note, current: Note, data_status: DataStatus, *, everything: bool) -> Plan:
    """What a publish compares with storage: everything, or what has changed since the last one."""
    through = coverage(work.settings).received_through
    if everything or _is_everything(last, current) or _is_read_again(work, last, current):
        days = _every_day(work)
        return Plan(True, days, periods_of(work, days, through))
    covered_days = _covered_days(work, last, current)
    days = sorted({*_listening_days(work, last, data_status), *covered_days.intersection(_every_day(work))})
    others = {*_download_days(work, last, current), *covered_days, *_status_days(work, last, data_status)}
    return Plan(False, days, periods_of(work, sorted({*days, *others}), through))


def every_period(work: JobContext) -> dict[str, list[Period]]:
    """By tenant all periods that its figures lie in."""
    return periods_of(work, _every_day(work), coverage(work.settings).received_through)


def last_note(blobs: Blobs) -> Note:
    """The note of the last publish; empty if there is none, or a torn one: then everything is compared."""
    return notes.read(blobs, NOTE)


def current_note(work: JobContext) -> Note:
    """The note that a publish would write now, without what only its own work brings to light (_OF_ITS_WORK)."""
    apps, lake = compute_downloads.version(work), work.commit_log.lake_id(listening_by_period.TABLE)
    return {
        LAKE: lake,
        GOLD: work.commit_log.version(listening_by_period.TABLE),
        _BATCH: work.intake(bronze.FEED).committed,
        _RULES: _rules(work, lake),
        _TENANTS: sorted(work.tenants.tenants),
        **({DOWNLOADS: apps} if apps >= 0 else {}),
    }


def is_same(last: Note, current: Note, now: datetime) -> bool:
    """Whether nothing has changed, the last publish was finished, and no gap has been given up since."""
    given_up_at = last.get(_GIVEN_UP_AT)
    is_given_up = given_up_at is not None and now >= datetime.fromisoformat(given_up_at)
    return not is_given_up and last == {**current, **{name: last.get(name) for name in _OF_ITS_WORK}}


def is_underway(note: Note) -> bool:
    """Whether a publish has begun after this note and not ended: it is at work, or was cut short."""
    return _UNDERWAY in note


def removed_tenants(last: Note, current: Note) -> list[str]:
    """Tenants that were published and that tenants.yaml no longer names."""
    published = {*last.get(_TENANTS, ()), *last.get(MARKS, {})}
    return sorted(published - set(current[_TENANTS]))


def begin(blobs: Blobs, last: Note, current: Note, data_status: DataStatus) -> None:
    """Notes, before the first rollup is written, what rollups may come from now on, and that no index is valid."""
    mine = [current[_RULES], data_status.complete_through.isoformat()]
    earlier = [underway for underway in last.get(_UNDERWAY, []) if underway != mine]
    kept = {name: value for name, value in last.items() if name != MARKS}
    _write(blobs, {**kept, _UNDERWAY: [*earlier, mine]})


def end(
    blobs: Blobs, current: Note, data_status: DataStatus, given_up_at: datetime | None, marks: dict[str, str]
) -> None:
    """Notes that a publish is finished; `given_up_at` is when the gap that holds `complete_through` is given up."""
    moment = given_up_at.isoformat() if given_up_at else None
    through = data_status.complete_through.isoformat()
    _write(blobs, {**current, _THROUGH: through, _GIVEN_UP_AT: moment, MARKS: marks})


def _is_everything(last: Note, current: Note) -> bool:
    """Whether every rollup must be compared: nothing is known of the last publish, or it followed other rules."""
    return any(rules != current[_RULES] or not through for rules, through in _written(last))


def _is_read_again(work: JobContext, last: Note, current: Note) -> bool:
    """Whether files were read again since: whole streams, days and tenants may have lost their figures."""
    batches = work.intake(bronze.FEED).manifest.batches(last.get(_BATCH, 0), current[_BATCH])
    return any(batch.again for batch in batches)


def _every_day(work: JobContext) -> list[date]:
    """Every day that has figures."""
    rows = work.delta_tables.frame(listening_by_day.TABLE, columns=("listened_on",))
    return rows["listened_on"].unique().sort().to_list()


def _listening_days(work: JobContext, last: Note, data_status: DataStatus) -> list[date]:
    """Days whose listening changed, and days that data has since reached, or that have become final."""
    every_day, written = _every_day(work), _written(last)
    commits = work.commit_log.commits(listening_by_period.TABLE, after=last[GOLD])
    changed = {date.fromisoformat(day) for commit in commits for day in commit.progress.days}
    reached = [data_status.complete_through, *(datetime.fromisoformat(through) for _, through in written)]
    since, until = (min(reached) - data_status.restatement - _DAY).date(), (max(reached) + _DAY).date()
    logged = _days_logged(work, last[_BATCH])
    return sorted(changed | {on for on in every_day if since <= on <= until or on in logged})


def _download_days(work: JobContext, last: Note, current: Note) -> list[date]:
    """Days whose downloads changed, with listening or without: rollups of longer periods show all of them."""
    since = last.get(DOWNLOADS, -1)
    return sorted(compute_downloads.days_changed(work, since)) if current.get(DOWNLOADS, -1) > since else []


def _status_days(work: JobContext, last: Note, data_status: DataStatus) -> set[date]:
    """Days with the same figures, of which rollups show another `complete_through`, `status` or `lost_share` now.

    A gap that is given up, or a late file from before the first hour, changes them for days without a line in it.
    """
    reached = {data_status.complete_through, *(datetime.fromisoformat(through) for _, through in _written(last))}
    losses = set(line_loss(work.settings, last[_BATCH])) ^ set(line_loss(work.settings))
    days = _days_of(work, {loss.hour for loss in losses})
    if len(reached) > 1:
        since = (min(reached) - data_status.restatement - _DAY).date()
        days |= {since + n * _DAY for n in range((max(reached).date() - since).days + 1)}
        days |= {on for on in _every_day(work) if on > max(reached).date()}
    return days


def _covered_days(work: JobContext, last: Note, current: Note) -> set[date]:
    """Days of which another part is covered, for any tenant: hours came late, or a tenant began earlier than was known."""
    days = _days_of(work, changed_hours(coverage_up_to(work.settings, last[_BATCH]), coverage(work.settings)))
    before, now = last.get(FIRST_HOURS, {}), current[FIRST_HOURS]
    for tenant, hour in now.items():
        first, end = sorted(map(datetime.fromisoformat, (hour, before.get(tenant, hour))))
        days.update(work.calendars.by_tenant[tenant].days(first, end) if first < end else ())
    return days


def _days_of(work: JobContext, hours: Iterable[datetime]) -> set[date]:
    """The days that hours of the log touch, on the clock of any tenant; days of some zones begin within an hour."""
    edges = {hour + side for hour in hours for side in (timedelta(0), _WITHIN_HOUR)}
    return {calendar.day_of(edge) for calendar in set(work.calendars.by_tenant.values()) for edge in edges}


def _write(blobs: Blobs, note: Note) -> None:
    blobs.write(NOTE, json.dumps(note, indent=1).encode())


def _rules(work: JobContext, lake: str) -> str:
    """A digest of the lake, and of all settings that published figures depend on. Versions of another lake mean nothing."""
    contracts = {
        name: contract(work.settings, tenant, rules_version()) for name, tenant in work.tenants.tenants.items()
    }
    names = {
        name: (tenant.name, sorted((app.store, app.id) for app in tenant.apps), sorted(tenant.streams))
        for name, tenant in work.tenants.tenants.items()
    }
    settings = work.settings
    places = settings.documents.model_dump()  # another store starts empty
    edges, expected = settings.sessions.length_edges_minutes, settings.haproxy.expected_proxies
    shape = rollup.schema()  # a section or field that was added: what stands is without it
    return digest([contracts, names, settings.publish.model_dump(), edges, places, expected, lake, shape, _rendering()])


@cache
def _rendering() -> str:
    """A digest of the code that renders figures: what a rollup or document holds may change with a version of this program."""
    folders = [resources.files(f"metrics_lake.{package}") for package in ("serve", "serve.rollup")]
    files = (file for folder in folders for file in folder.iterdir() if file.name.endswith(".py"))
    return digest(sorted((file.name, sha256(file.read_bytes()).hexdigest()) for file in files))


def _written(note: Note) -> list[Sequence[Any]]:
    """Rules and `complete_through` of the last finished publish, and of the interrupted ones after it."""
    return [(note.get(_RULES), note.get(_THROUGH)), *note.get(_UNDERWAY, [])]


def _days_logged(work: JobContext, after: int) -> set[date]:
    """The days of the lines of later batches, and the days beside them, since days differ from tenant to tenant."""
    new = (pl.col("batch_number") > after) & pl.col("first_logged_at").is_not_null()
    files = work.delta_tables.frame(bronze.FILES, new, ("first_logged_at", "last_logged_at"))
    spans = ((first_at.date() - _DAY, last_at.date() + _DAY) for first_at, last_at in files.iter_rows())
    return {first + n * _DAY for first, last in spans for n in range((last - first).days + 1)}
