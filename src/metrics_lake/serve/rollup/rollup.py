"""The JSON that a frontend reads, one document for each tenant, stream and period. Pure: figures in, document out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from metrics_lake.config.tenants import ALL_STREAMS
from metrics_lake.model.periods import Calendar, Period
from metrics_lake.serve.revisions import revision_of
from metrics_lake.serve.rollup.rows import Figures, Row, excluded, in_period, rounded, summary
from metrics_lake.serve.uniques import crosses_epoch

SCHEMA = "metrics-lake/rollup/1"
_encode = json.JSONEncoder(ensure_ascii=False).encode
DIMENSIONS = ("source", "player", "os", "device", "country", "region", "stream")


@dataclass(frozen=True)
class DataStatus:
    """How far data has come: everything up to `complete_through` is here, and may be restated for some time after.

    `lost_share` tells what part of the log of [start, end) is missing, from 0 to 1.
    """

    complete_through: datetime
    restatement: timedelta
    lost_share: Callable[[datetime, datetime], float] = lambda start, end: 0.0

    def status(self, end: datetime) -> str:
        return "final" if self.complete_through >= end + self.restatement else "provisional"


@dataclass(frozen=True)
class RollupContext:
    """Whose documents these are: tenant, its clock, and what its numbers mean."""

    tenant: str
    calendar: Calendar
    contract: Mapping[str, Any]
    edges_minutes: Sequence[int]

    def local(self, instant: datetime | None) -> str | None:
        return instant.astimezone(ZoneInfo(self.calendar.timezone)).isoformat() if instant else None


def path(tenant: str, stream: str, period: Period) -> str:
    """Where the document of a period lies below `storage.rollups`."""
    return f"{tenant}/{'_all' if stream == ALL_STREAMS else stream}/{period.kind}/{period.name}.json"


def schema() -> dict[str, Any]:
    """The JSON Schema that every document fits."""
    text = resources.files(__package__).joinpath("rollup.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def rollup(context: RollupContext, stream: str, period: Period, figures: Figures, data_status: DataStatus) -> Row:
    """A period's document, all but `generated_at` and `revision`."""
    key = (context.tenant, stream)
    days = in_period(figures.days[key], period)
    known = figures.periods.get((*key, period.kind, period.name), {})
    figures_of = summary(list(days.values()), unique_listeners=known.get("unique_listeners", 0), seconds=period.seconds)
    if crosses_epoch(period.start, period.end, context.contract["key_rotation"]):
        figures_of["crosses_epoch"] = True
    return {
        "schema": SCHEMA,
        "tenant": context.tenant,
        "stream": stream,
        "period": {
            "kind": period.kind,
            "name": period.name,
            "start": context.local(period.start),
            "end": context.local(period.end),
            "timezone": context.calendar.timezone,
        },
        "status": data_status.status(period.end),
        "complete_through": context.local(min(data_status.complete_through, period.end)),
        "lost_share": rounded(data_status.lost_share(period.start, period.end)),
        "contract": dict(context.contract),
        "summary": {**figures_of, "peak_at": context.local(figures_of["peak_at"])},
        "numbers": _numbers(context, period, days, in_period(figures.hours[key], period)),
        "by_hour_of_day": _by_hour_of_day(in_period(figures.hours[key], period), known.get("unique_by_hour")),
        "session_lengths": _session_lengths(context, in_period(figures.lengths[key], period)),
        "dimensions": _dimensions(figures.dimensions.get((*key, period.kind, period.name), [])),
        "excluded": excluded(days.values()),
    }


def _numbers(
    context: RollupContext, period: Period, days: Mapping[Any, Row], hours: Mapping[Any, list[Row]]
) -> list[Row]:
    """An entry for each hour of a day, or for each day of a longer period; where nothing was, zeros."""
    if period.kind == "day":
        by_start = {row["hour_at"]: row for rows in hours.values() for row in rows}
        slots = [(hour.start, by_start.get(hour.start)) for hour in context.calendar.hours(period.first_on)]
    else:
        slots = [(context.calendar.day_start(on), days.get(on)) for on in period.days]
    return [{"start": context.local(start), **_number(row or {})} for start, row in slots]


def _number(row: Row) -> Row:
    return {
        "total_sessions": row.get("sessions_started", 0),
        "unique_listeners": row.get("unique_listeners", 0),
        "peak_listeners": row.get("peak_listeners", 0),
        "total_hours": rounded(row.get("listening_seconds", 0) / 3600),
    }


def _by_hour_of_day(hours: Mapping[Any, list[Row]], uniques: Sequence[int] | None) -> list[Row]:
    by_hour: dict[int, list[Row]] = {hour: [] for hour in range(24)}
    for rows in hours.values():
        for row in rows:
            by_hour[row["hour_of_day"]].append(row)
    return [_hour_of_day(hour, rows, uniques[hour] if uniques else 0) for hour, rows in by_hour.items()]


def _hour_of_day(hour: int, rows: list[Row], unique_listeners: int) -> Row:
    again = sum(row["again"] for row in rows[1:])  # on in this hour the time before too, so counted there already
    return {
        "hour": hour,
        "total_hours": rounded(sum(row["listening_seconds"] for row in rows) / 3600),
        "sessions_active": sum(row["sessions_active"] for row in rows) - again,
        "unique_listeners": unique_listeners,
        "sessions_started": sum(row["sessions_started"] for row in rows),
        "sessions_completed": sum(row["sessions_completed"] for row in rows),
    }


def _session_lengths(context: RollupContext, by_day: Mapping[Any, Mapping[int, int]]) -> list[Row]:
    edges = list(context.edges_minutes)
    return [
        {
            "from_minutes": low,
            "to_minutes": high,
            "label": label(low, high),
            "sessions": sum(counts.get(low, 0) for counts in by_day.values()),
        }
        for low, high in zip(edges, [*edges[1:], None], strict=True)
    ]


def label(low: int, high: int | None) -> str:
    """A length bucket in words, by its lower edge: `< 1 minute`, `1 minute`, `2 hours`, `18 hours +`."""
    if low == 0 and high is not None:
        return f"< {_spelt(high)}"
    return _spelt(low) if high is not None else f"{_spelt(low)} +"


def _spelt(minutes: int) -> str:
    number, unit = (minutes // 60, "hour") if minutes and minutes % 60 == 0 else (minutes, "minute")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _dimensions(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Values of each dimension, the most listened to first."""
    ordered = sorted(
        rows, key=lambda row: (-row["listening_seconds"], -row["sessions_started"], row["dimension_value"])
    )
    found: dict[str, list[Row]] = {name: [] for name in DIMENSIONS}
    for row in ordered:
        found.setdefault(row["dimension"], []).append(
            {
                "value": row["dimension_value"],
                "total_sessions": row["sessions_started"],
                "total_hours": rounded(row["listening_seconds"] / 3600),
                "unique_listeners": row["unique_listeners"],
            }
        )
    return found


def revised(new: Row, old: Row | None, now: datetime, last: int = 0) -> Row | None:
    """The document to write in place of an old one: None where nothing changed, a higher revision where a number did.

    Where none stands it goes on from the `last` revision that was known there.
    """
    not_numbers = ("status", "complete_through", "lost_share")
    revision = revision_of(new, old, stamps=("generated_at", "revision"), not_numbers=not_numbers, last=last)
    if revision is None:
        return None
    return {**new, "revision": revision, "generated_at": now.isoformat(timespec="seconds")}


def encoded(document: Row) -> bytes:
    """As JSON with a line for each entry: short enough for browsers, and to be read by people and by diff.

    `indent=` would have Python spell out every brace: of a publish that was a third.
    """
    return (_spread(document, "\n") + "\n").encode()


def _spread(value: Any, begin: str) -> str:
    """Lists, and what holds lists, over several lines; all else in one."""
    inner = f"{begin} "
    if isinstance(value, dict) and any(isinstance(held, (list, dict)) for held in value.values()):
        parts = (f"{_encode(name)}: {_spread(held, inner)}" for name, held in value.items())
        return f"{{{inner}{f',{inner}'.join(parts)}{begin}}}"
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join(map(_encode, value))}{begin}]"
    return _encode(value)
