"""What a publish has to look at, by the note of what was published last: `_published.json`, beside the blobs.

It says of which lake the blobs are, of which versions of its tables and of which settings, up to when data was complete, and
the marks of the indexes (jobs/publish/index.py). While a publish is under way it holds no marks, and what the blobs may
be of if that one doesn't end.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.config.settings import contract, digest
from metrics_lake.coverage.changed_hours import changed_hours
from metrics_lake.gold import listening_by_day, listening_by_period
from metrics_lake.io.storage.blobs import Blobs
from metrics_lake.jobs import downloads
from metrics_lake.jobs.context import Work
from metrics_lake.jobs.read_coverage import lost, received, received_up_to
from metrics_lake.serve.rollup.rollup import Standing
from metrics_lake.sources.lookups.bots import rules_version

NOTE = "_published.json"
LAKE, GOLD, MARKS = "lake", "gold", "indexes"
_BATCH, _RULES, _DOWNLOADS, _THROUGH, _UNDERWAY = "batch", "rules", "downloads", "complete_through", "underway"
_DAY, _WITHIN = timedelta(days=1), timedelta(minutes=59)

Note = dict[str, Any]


def noted(blobs: Blobs) -> Note:
    """What was published last; empty if that isn't known."""
    held: Note = json.loads(blobs.read(NOTE) or b"{}")
    return held


def present(work: Work) -> Note:
    """What would be published now, but for `complete_through` and marks."""
    apps, lake = downloads.version(work), work.history.lake(listening_by_period.TABLE)
    return {
        LAKE: lake,
        GOLD: work.history.version(listening_by_period.TABLE),
        _BATCH: work.stream.committed,
        _RULES: _rules(work, lake),
        **({_DOWNLOADS: apps} if apps >= 0 else {}),
    }


def is_same(before: Note, now: Note) -> bool:
    """Whether nothing has changed, and the last publish has ended."""
    return before == {**now, **{name: before.get(name) for name in (_THROUGH, MARKS)}}


def is_everything(before: Note, now: Note) -> bool:
    """Whether all that there is has to be compared with what stands: nothing is known of that, or it is of other rules."""
    return any(rules != now[_RULES] or not through for rules, through in _written(before))


def begin(blobs: Blobs, before: Note, now: Note, standing: Standing) -> None:
    """Notes, before the first blob is written, what blobs may be of from now on, and that no index holds any more."""
    mine = [now[_RULES], standing.complete_through.isoformat()]
    earlier = [each for each in before.get(_UNDERWAY, []) if each != mine]
    kept = {name: value for name, value in before.items() if name != MARKS}
    _write(blobs, {**kept, _UNDERWAY: [*earlier, mine]})


def end(blobs: Blobs, now: Note, standing: Standing, marks: dict[str, str]) -> None:
    _write(blobs, {**now, _THROUGH: standing.complete_through.isoformat(), MARKS: marks})


def days_held(work: Work) -> list[date]:
    """Every day that has figures."""
    held = work.small_tables.frame(listening_by_day.TABLE, columns=("listened_on",))
    return held["listened_on"].unique().sort().to_list()


def days_due(work: Work, before: Note, now: Note, standing: Standing) -> list[date]:
    """Days whose listening changed, and days that data has since reached, or that have become final."""
    every, written = days_held(work), _written(before)
    commits = work.history.commits(listening_by_period.TABLE, after=before[GOLD])
    changed = {date.fromisoformat(day) for commit in commits for day in commit.progress.days}
    reached = [standing.complete_through, *(datetime.fromisoformat(through) for _, through in written)]
    since, until = (min(reached) - standing.restatement - _DAY).date(), (max(reached) + _DAY).date()
    logged = _days_logged(work, before[_BATCH])
    return sorted(changed | {on for on in every if since <= on <= until or on in logged})


def days_reported(work: Work, before: Note, now: Note) -> list[date]:
    """The stores' days whose figures changed, whether anybody listened on them or not: rollups of months hold them all."""
    since = before.get(_DOWNLOADS, -1)
    return sorted(downloads.days_changed(work, since)) if now.get(_DOWNLOADS, -1) > since else []


def days_of_other_standing(work: Work, before: Note, standing: Standing) -> list[date]:
    """Days whose figures are the same, but whose rollups tell another `complete_through` or `lost_share` than they did.

    A file that comes late from before the first, or from far behind the last, changes both of days that it holds no line of.
    """
    reached = {standing.complete_through, *(datetime.fromisoformat(through) for _, through in _written(before))}
    behind = [on for on in days_held(work) if on > max(reached).date()] if len(reached) > 1 else []
    batch = before[_BATCH]
    hours = changed_hours(received_up_to(work.settings, batch), received(work.settings))
    hours |= {loss.hour for loss in set(lost(work.settings, batch)) ^ set(lost(work.settings))}
    clocks = set(work.calendars.by_tenant.values())
    # Days of some zones begin within an hour.
    edges = {hour + side for hour in hours for side in (timedelta(0), _WITHIN)}
    return sorted({clock.day_of(edge) for clock in clocks for edge in edges}.union(behind))


def _write(blobs: Blobs, note: Note) -> None:
    blobs.write(NOTE, json.dumps(note, indent=1).encode())


def _rules(work: Work, lake: str) -> str:
    """A digest of all settings that show in what is published, and of the lake: of another one no version says anything."""
    contracts = {
        name: contract(work.settings, tenant, rules_version()) for name, tenant in work.tenants.tenants.items()
    }
    names = {
        name: (tenant.name, sorted((app.store, app.id) for app in tenant.apps))
        for name, tenant in work.tenants.tenants.items()
    }
    settings = work.settings
    places = settings.documents.model_dump()  # another store starts empty
    edges, expected = settings.sessions.length_edges_minutes, settings.haproxy.expected_proxies
    return digest([contracts, names, settings.publish.model_dump(), edges, places, expected, lake])


def _written(note: Note) -> list[Sequence[Any]]:
    """Rules, and up to when data was complete, of the last publish that ended, and of those after it that did not."""
    return [(note.get(_RULES), note.get(_THROUGH)), *note.get(_UNDERWAY, [])]


def _days_logged(work: Work, after: int) -> set[date]:
    """The days that files of batches after one speak of, and those beside them, as days differ from tenant to tenant."""
    new = (pl.col("batch_number") > after) & pl.col("first_logged_at").is_not_null()
    files = work.small_tables.frame(bronze.FILES, new, ("first_logged_at", "last_logged_at"))
    spans = ((first_at.date() - _DAY, last_at.date() + _DAY) for first_at, last_at in files.iter_rows())
    return {first + n * _DAY for first, last in spans for n in range((last - first).days + 1)}
