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
from typing import Any

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.bronze.losses import lost_share
from metrics_lake.gold import listening_by_day, listening_by_period
from metrics_lake.io.blobs import Blobs, blobs_in
from metrics_lake.io.stores import documents_of
from metrics_lake.jobs import documents, downloads, index
from metrics_lake.jobs.compute import periods_of
from metrics_lake.jobs.figures import BY_DAY, BY_PERIOD
from metrics_lake.jobs.leftovers import Leftovers, leftovers, remove
from metrics_lake.jobs.reach import Reach
from metrics_lake.jobs.received import lost, received
from metrics_lake.jobs.work import Work
from metrics_lake.periods import Period
from metrics_lake.serve import rollups
from metrics_lake.serve.figures import Figures, Row
from metrics_lake.settings import contract, digest
from metrics_lake.silver import sessions
from metrics_lake.sources.robots import rules_version
from metrics_lake.tenants import ALL_STREAMS

STATE = "_published.json"
_LAKE, _THROUGH, _MARKS, _UNDERWAY = "lake", "complete_through", "indexes", "underway"  # in STATE
_DAY = timedelta(days=1)


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
    before = json.loads(blobs.read(STATE) or b"{}")
    state = _state(work)
    if not accept_loss and before == {**state, **{name: before.get(name) for name in (_THROUGH, _MARKS)}}:
        return Published()
    standing = _standing(work) if state["gold"] >= 0 else None
    if standing is None:
        if accept_loss:
            _remove(work, _left(work, {}))
        return Published()
    _check_whole(work)
    work.on_step("publishing")
    is_whole = accept_loss or _is_whole(before, state["rules"])
    days = _days_held(work) if is_whole else _days_due(work, before, state, standing)
    periods = periods_of(work, days, standing.complete_through)
    left = _left(work, periods) if is_whole else {}
    if before.get(_LAKE) != state[_LAKE] and not accept_loss:
        _check_kept(work, left)
    reach, store, done = Reach(work, periods), documents_of(work.settings), Published()
    through, marks = standing.complete_through.isoformat(), dict(before.get(_MARKS, {}))
    _write_state(blobs, _begun(before, state["rules"], through))
    _remove(work, left)
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
        from metrics_lake.jobs import dealt_documents

        dealt_documents.write_days(work, list(periods), days, standing)
    _write_state(blobs, {**state, _THROUGH: through, _MARKS: marks})
    return done


def _begun(before: dict[str, Any], rules: str, through: str) -> dict[str, Any]:
    """What is noted before the first blob is written: all that is known of the last publish that ended, but no index
    holds any more, and what the blobs may be of if this one doesn't end.
    """
    mine = [rules, through]
    earlier = [each for each in before.get(_UNDERWAY, []) if each != mine]
    return {**{name: value for name, value in before.items() if name != _MARKS}, _UNDERWAY: [*earlier, mine]}


def _write_state(blobs: Blobs, state: dict[str, Any]) -> None:
    blobs.write(STATE, json.dumps(state, indent=1).encode())


def _standing(work: Work) -> rollups.Standing | None:
    arrived, losses = received(work.settings), lost(work.settings)
    if arrived.complete_through is None:
        return None
    restatement = timedelta(hours=work.settings.publish.restatement_hours)
    return rollups.Standing(arrived.complete_through, restatement, cache(partial(lost_share, arrived, losses)))


def _state(work: Work) -> dict[str, Any]:
    """What the blobs were last written from: which lake, versions of its tables, and in `rules` all settings that show."""
    apps, lake = downloads.version(work), work.history.lake(listening_by_period.TABLE)
    return {
        _LAKE: lake,
        "gold": work.history.version(listening_by_period.TABLE),
        "batch": work.stream.committed,
        "rules": _rules(work, lake),
        **({"downloads": apps} if apps >= 0 else {}),
    }


def _rules(work: Work, lake: str) -> str:
    """A digest of the settings, and of the lake, since of another one no version says anything."""
    contracts = {
        name: contract(work.settings, tenant, rules_version()) for name, tenant in work.tenants.tenants.items()
    }
    names = {name: tenant.name for name, tenant in work.tenants.tenants.items()}
    settings = work.settings
    places = settings.documents.model_dump()  # another store starts empty
    edges, expected = settings.sessions.length_edges_minutes, settings.haproxy.expected_proxies
    return digest([contracts, names, settings.publish.model_dump(), edges, places, expected, lake])


def _check_whole(work: Work) -> None:
    """All tables of gold must speak of the same sessions: a compute that was cut short is ended first."""
    lasts = [work.history.last(table) for table in (*BY_DAY, *BY_PERIOD)]
    versions = {last.progress.through[sessions.TABLE.name] if last else None for last in lasts}
    if len(versions) > 1:
        raise PublishError(
            "the figures are half worked out (an earlier compute was cut short): run `metrics-lake compute`"
        )


def _days_due(work: Work, before: dict[str, Any], state: dict[str, Any], standing: rollups.Standing) -> list[date]:
    """Days whose figures changed, and days that data has since reached, or that have become final."""
    every, written = _days_held(work), _written(before)
    commits = work.history.commits(listening_by_period.TABLE, after=before["gold"])
    changed = {date.fromisoformat(day) for commit in commits for day in commit.progress.days}
    if state.get("downloads", -1) > before.get("downloads", -1):
        changed |= downloads.days_changed(work, before.get("downloads", -1)) & set(every)
    reached = [standing.complete_through, *(datetime.fromisoformat(through) for _, through in written)]
    since, until = (min(reached) - standing.restatement - _DAY).date(), (max(reached) + _DAY).date()
    logged = _days_logged(work, before["batch"])
    return sorted(changed | {on for on in every if since <= on <= until or on in logged})


def _is_whole(before: dict[str, Any], rules: str) -> bool:
    """Whether all that there is has to be compared with what stands: nothing is known of that, or it is of other rules."""
    return any(held != rules or not through for held, through in _written(before))


def _written(before: dict[str, Any]) -> list[Sequence[Any]]:
    """Rules, and through when data was complete, of the last publish that ended, and of those after it that did not."""
    return [(before.get("rules"), before.get(_THROUGH)), *before.get(_UNDERWAY, [])]


def _days_held(work: Work) -> list[date]:
    held = work.small_tables.frame(listening_by_day.TABLE, columns=("listened_on",))
    return held["listened_on"].unique().sort().to_list()


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


def _days_logged(work: Work, after: int) -> set[date]:
    """The days that files of batches after one speak of, and those beside them, as days differ from tenant to tenant."""
    new = (pl.col("batch_number") > after) & pl.col("first_logged_at").is_not_null()
    files = work.small_tables.frame(bronze.FILES, new, ("first_logged_at", "last_logged_at"))
    spans = ((first_at.date() - _DAY, last_at.date() + _DAY) for first_at, last_at in files.iter_rows())
    return {first + n * _DAY for first, last in spans for n in range((last - first).days + 1)}


def _write_blobs(
    work: Work,
    blobs: Blobs,
    tenant: str,
    named: list[Period],
    figures: Figures,
    standing: rollups.Standing,
    now: Callable[[], datetime],
) -> tuple[Published, dict[str, Row]]:
    """What was done, and by path what the index says of each blob that was looked at."""
    done, looked_at, gone = Published(), dict[str, Row](), list[str]()
    settings, config = work.settings, work.tenants.tenants[tenant]
    shelf = rollups.Shelf(
        tenant, config.calendar, contract(settings, config, rules_version()), settings.sessions.length_edges_minutes
    )
    of_apps = downloads.sections(
        work, tenant, min(period.first_on for period in named), max(period.end_on for period in named)
    )
    for stream in figures.streams(tenant):
        for period in named:
            path = rollups.path(tenant, stream, period)
            if not any(period.first_on <= on < period.end_on for on in figures.days[tenant, stream]):
                gone += [path] if blobs.read(path) else []
                continue
            old = blobs.read(path)
            fresh = rollups.rollup(shelf, stream, period, figures, standing)
            if stream == ALL_STREAMS and (section := of_apps(period)):
                fresh["downloads"] = section
            held: Row | None = json.loads(old) if old else None
            new = rollups.revised(fresh, held, now())
            done += Published(written=1) if new else Published(unchanged=1)
            if new:
                old = rollups.encoded(new)
                blobs.write(path, old)
            looked_at[path] = index.row(path, new or held or {}, len(old or b""))
    index.remove(blobs, tenant, gone)
    return done, looked_at
