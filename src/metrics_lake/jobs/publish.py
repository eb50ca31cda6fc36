"""Figures of gold into what people read: rollup JSON by period, and documents by hour and day.

Only what changed is written: a blob or document whose numbers are the same stays byte for byte, its revision too.
The index comes last, so that it never names a blob that isn't there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pyarrow as pa
from pyarrow import compute as pc

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.bronze.losses import lost_share
from metrics_lake.gold import (
    dimensions_by_period,
    listening_by_day,
    listening_by_hour,
    listening_by_period,
    session_lengths_by_day,
)
from metrics_lake.io.blobs import Blobs, blobs_in
from metrics_lake.io.stores import documents_of
from metrics_lake.jobs import documents, downloads
from metrics_lake.jobs.compute import periods_of
from metrics_lake.jobs.figures import BY_DAY, BY_PERIOD
from metrics_lake.jobs.received import lost, received
from metrics_lake.jobs.work import Work
from metrics_lake.periods import Period
from metrics_lake.serve import rollups
from metrics_lake.serve.figures import Figures, Row
from metrics_lake.settings import contract, digest
from metrics_lake.silver import sessions
from metrics_lake.sources.robots import rules_version
from metrics_lake.tables import Table
from metrics_lake.tenants import ALL_STREAMS

STATE = "_published.json"
_INDEX = "metrics-lake/index/1"
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


def publish(work: Work, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> Published:
    """Writes every blob and document that differs from what stands."""
    blobs = blobs_in(work.settings.storage.rollups)
    before = json.loads(blobs.read(STATE) or b"{}")
    state = _state(work)
    if state["gold"] < 0 or before == {**state, "complete_through": before.get("complete_through")}:
        return Published()
    _check_whole(work)
    work.on_step("publishing")
    standing = _standing(work)
    if standing is None:
        return Published()
    days = _days_due(work, before, state, standing)
    periods = periods_of(work, days, standing.complete_through)
    held, store, done = _held(work, periods), documents_of(work.settings), Published()
    for tenant, named in periods.items():
        figures = _figures(held, tenant)
        done += _write_blobs(work, blobs, tenant, named, figures, standing, now)
        documents.write_periods(store, tenant, named, figures, standing)
        documents.write_days(work, store, tenant, days, standing)
    through = standing.complete_through.isoformat()
    blobs.write(STATE, json.dumps({**state, "complete_through": through}, indent=1).encode())
    return done


def _standing(work: Work) -> rollups.Standing | None:
    arrived, losses = received(work.settings), lost(work.settings)
    if arrived.complete_through is None:
        return None
    restatement = timedelta(hours=work.settings.publish.restatement_hours)
    return rollups.Standing(arrived.complete_through, restatement, partial(lost_share, arrived, losses))


def _state(work: Work) -> dict[str, Any]:
    """What the blobs were last written from: versions of tables and the settings that show in them."""
    apps = downloads.version(work)
    return {
        "gold": work.history.version(listening_by_period.TABLE),
        "batch": work.stream.committed,
        "rules": _rules(work),
        **({"downloads": apps} if apps >= 0 else {}),
    }


def _rules(work: Work) -> str:
    contracts = {
        name: contract(work.settings, tenant, rules_version()) for name, tenant in work.tenants.tenants.items()
    }
    names = {name: tenant.name for name, tenant in work.tenants.tenants.items()}
    settings = work.settings
    places = settings.documents.model_dump()  # another store starts empty
    edges, expected = settings.sessions.length_edges_minutes, settings.haproxy.expected_proxies
    return digest([contracts, names, settings.publish.model_dump(), edges, places, expected])


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
    held = work.small_tables.read(listening_by_day.TABLE)
    every = sorted(set(held["listened_on"].to_pylist()))
    if before.get("rules") != state["rules"] or not before.get("complete_through"):
        return every
    commits = work.history.commits(listening_by_period.TABLE, after=before["gold"])
    changed = {date.fromisoformat(day) for commit in commits for day in commit.progress.days}
    if state.get("downloads", -1) > before.get("downloads", -1):
        changed |= downloads.days_changed(work, before.get("downloads", -1)) & set(every)
    low, high = sorted((datetime.fromisoformat(before["complete_through"]), standing.complete_through))
    since, until = (low - standing.restatement - _DAY).date(), (high + _DAY).date()
    logged = _days_logged(work, before["batch"])
    return sorted(changed | {on for on in every if since <= on <= until or on in logged})


def _days_logged(work: Work, after: int) -> set[date]:
    """The days that files of batches after one speak of, and those beside them, as days differ from tenant to tenant."""
    new = (pc.field("batch_number") > after) & pc.field("first_logged_at").is_valid()
    files = work.small_tables.read(bronze.FILES, new, ("first_logged_at", "last_logged_at")).to_pylist()
    spans = ((f["first_logged_at"].date() - _DAY, f["last_logged_at"].date() + _DAY) for f in files)
    return {first + n * _DAY for first, last in spans for n in range((last - first).days + 1)}


def _held(work: Work, periods: dict[str, list[Period]]) -> dict[str, pa.Table]:
    """The rows of gold that all these periods are made of, by table, without the sketches, which no rollup shows."""
    low = min((p.first_on for named in periods.values() for p in named), default=date.max)
    in_reach = pc.field("listened_on") >= low
    names = {period.name for named in periods.values() for period in named}
    named = pc.field("name").isin(pa.array(sorted(names), pa.string()))  # typed, as it may be empty
    where = {
        listening_by_day.TABLE: in_reach,
        listening_by_hour.TABLE: in_reach,
        session_lengths_by_day.TABLE: in_reach,
        listening_by_period.TABLE: named,
        dimensions_by_period.TABLE: named,
    }
    return {
        table.name: work.small_tables.read(table, rows, [name for name in table.names if name != "unique_sketch"])
        for table, rows in where.items()
    }


def _figures(held: dict[str, pa.Table], tenant: str) -> Figures:
    """One tenant's rows: as Python's they take ten times the room, so no other's are made of them meanwhile."""

    def rows(table: Table) -> list[Row]:
        found: list[Row] = held[table.name].filter(pc.field("tenant") == tenant).to_pylist()
        return found

    figures = Figures()
    figures.add_days(rows(listening_by_day.TABLE))
    figures.add_hours(rows(listening_by_hour.TABLE))
    figures.add_lengths(rows(session_lengths_by_day.TABLE))
    figures.add_periods(rows(listening_by_period.TABLE))
    figures.add_dimensions(rows(dimensions_by_period.TABLE))
    return figures


def _write_blobs(
    work: Work,
    blobs: Blobs,
    tenant: str,
    named: list[Period],
    figures: Figures,
    standing: rollups.Standing,
    now: Callable[[], datetime],
) -> Published:
    done = Published()
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
                blobs.delete(path)
                continue
            old = blobs.read(path)
            fresh = rollups.rollup(shelf, stream, period, figures, standing)
            if stream == ALL_STREAMS and (section := of_apps(period)):
                fresh["downloads"] = section
            new = rollups.revised(fresh, json.loads(old) if old else None, now())
            done += Published(written=1) if new else Published(unchanged=1)
            if new:
                blobs.write(path, rollups.encoded(new))
    _write_index(blobs, tenant, config.name, config.timezone)
    return done


def _write_index(blobs: Blobs, tenant: str, name: str, zone: str) -> None:
    """What there is for a tenant, newest first; written only if it differs."""
    listed = []
    for path in blobs.paths(tenant):
        if path.count("/") == 3:
            content = blobs.read(path) or b"{}"
            held = json.loads(content)
            listed.append((held["period"]["start"], path, len(content), held))
    rows = [
        {"path": path.partition("/")[2], "stream": held["stream"], "kind": held["period"]["kind"],
         "name": held["period"]["name"], "start": start, "size": size, "revision": held["revision"], "status": held["status"]}
        for start, path, size, held in sorted(listed, key=lambda row: row[1])
    ]  # fmt: skip
    rows.sort(key=lambda row: row["start"], reverse=True)
    content = rollups.encoded({"schema": _INDEX, "tenant": tenant, "name": name, "timezone": zone, "rollups": rows})
    if blobs.read(f"{tenant}/index.json") != content:
        blobs.write(f"{tenant}/index.json", content)
