"""Rows of gold in reach by tenant, stream and day, and the sums that a stretch of days has (definitions.md section 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from metrics_lake.model.periods import Period

Row = dict[str, Any]
_ADDITIVE = ("sessions_started", "sessions_completed", "listening_seconds", "length_seconds", "length_count")


@dataclass
class Figures:
    """What is published, by (tenant, stream)."""

    days: dict[tuple[str, str], dict[date, Row]] = field(default_factory=lambda: defaultdict(dict))
    hours: dict[tuple[str, str], dict[date, list[Row]]] = field(default_factory=lambda: defaultdict(dict))
    lengths: dict[tuple[str, str], dict[date, dict[int, int]]] = field(default_factory=lambda: defaultdict(dict))
    periods: dict[tuple[str, str, str, str], Row] = field(default_factory=dict)
    dimensions: dict[tuple[str, str, str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))

    def add_days(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.days[row["tenant"], row["stream"]][row["listened_on"]] = row

    def add_hours(self, rows: Iterable[Row]) -> None:
        for row in sorted(rows, key=lambda row: row["hour_at"]):
            self.hours[row["tenant"], row["stream"]].setdefault(row["listened_on"], []).append(row)

    def add_lengths(self, rows: Iterable[Row]) -> None:
        for row in rows:
            of_day = self.lengths[row["tenant"], row["stream"]].setdefault(row["listened_on"], {})
            of_day[row["at_least_minutes"]] = row["session_count"]

    def add_periods(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.periods[_place(row)] = row

    def add_dimensions(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.dimensions[_place(row)].append(row)

    def streams(self, tenant: str) -> list[str]:
        return sorted(stream for name, stream in self.days if name == tenant)


def _place(row: Row) -> tuple[str, str, str, str]:
    return row["tenant"], row["stream"], row["kind"], row["name"]


def summary(rows: Sequence[Row], *, unique_listeners: int, seconds: int) -> Row:
    """The summary of consecutive buckets, in order: sums, the highest peak and its first minute (still UTC), means."""
    total = {name: sum(row[name] for row in rows) for name in _ADDITIVE}
    peak = max(rows, key=lambda row: row["peak_listeners"], default=None)
    return {
        "total_sessions": total["sessions_started"],
        "total_hours": rounded(total["listening_seconds"] / 3600),
        "total_days": rounded(total["listening_seconds"] / 86400),
        "unique_listeners": unique_listeners,
        "peak_listeners": peak["peak_listeners"] if peak else 0,
        "peak_at": peak["peak_at"] if peak else None,
        "average_listeners": rounded(total["listening_seconds"] / seconds),
        "average_session_seconds": rounded(
            total["length_seconds"] / total["length_count"] if total["length_count"] else 0
        ),
        "sessions_completed": total["sessions_completed"],
        "sessions_active": total["sessions_started"] + _carried_in(rows),
    }


def _carried_in(rows: Sequence[Row]) -> int:
    """Sessions that were on when the first bucket began."""
    return rows[0]["sessions_active"] - rows[0]["sessions_started"] if rows else 0


def excluded(rows: Iterable[Row]) -> dict[str, int]:
    """Sessions started but not counted, by reason."""
    total: dict[str, int] = {}
    for row in rows:
        for reason, number in dict(row["excluded"]).items():
            total[reason] = total.get(reason, 0) + number
    return dict(sorted(total.items()))


def in_period(by_day: dict[date, Any], period: Period) -> dict[date, Any]:
    """The days of a period that have something, in order."""
    return {on: by_day[on] for on in sorted(by_day) if period.first_on <= on < period.end_on}


def rounded(number: float) -> float:
    """Six digits after the point: more than any figure is known to, and the same text on every machine."""
    return round(float(number), 6)
