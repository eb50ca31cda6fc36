"""Rows of gold for tests of what is published: days and hours of one stream, figures by their short names."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from metrics_lake.model.periods import Calendar
from tests.unit.drawing import rows, utc

CALENDAR = Calendar("Africa/Johannesburg")
_SHORT = {
    "started": "sessions_started", "completed": "sessions_completed", "active": "sessions_active", "unique": "unique_listeners",
    "peak": "peak_listeners", "seconds": "listening_seconds",
}  # fmt: skip
_NOTHING = {
    "tenant": "acme", "stream": "*", "sessions_started": 0, "sessions_completed": 0, "sessions_active": 0,
    "listening_seconds": 0.0, "unique_listeners": 0, "unique_sketch": None, "peak_listeners": 0, "peak_at": None,
    "length_seconds": 0.0, "length_count": 0, "excluded": {}, "again": 0,
}  # fmt: skip


def bucket(**figures: Any) -> dict[str, Any]:
    """A row of a day or an hour, with zeros where nothing is said."""
    return {**_NOTHING, **{_SHORT.get(name, name): value for name, value in figures.items()}}


def days(table: str) -> list[dict[str, Any]]:
    """Rows of gold.listening_by_day, drawn: `on` and figures by their short names."""
    return [bucket(listened_on=row.pop("on"), **row) for row in rows(table)]


def hour(at: datetime | str, calendar: Calendar = CALENDAR, **figures: Any) -> dict[str, Any]:
    """A row of gold.listening_by_hour, for the hour of the tenant that starts at an instant."""
    instant = utc(at) if isinstance(at, str) else at
    on = calendar.day_of(instant)
    [found] = [each for each in calendar.hours(on) if each.start == instant]
    return bucket(listened_on=on, hour_at=instant, hour_ends_at=found.end, hour_of_day=found.of_day, **figures)
