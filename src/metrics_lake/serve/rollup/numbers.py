"""The section `numbers`: an entry for each hour of a day, or for each day of a longer period.

Zeros where data came and nobody listened. Null where nothing is known: no second is covered, and no session reaches into it
(definitions.md section 9).
"""

from __future__ import annotations

from datetime import datetime

from metrics_lake.serve.rollup.gold_rows import LISTENING_BY_DAY, LISTENING_BY_HOUR
from metrics_lake.serve.rollup.json_schema import AMOUNT, COUNT, INSTANT, STATUS, list_of, or_null, record
from metrics_lake.serve.rollup.section import RollupInput, Section
from metrics_lake.serve.sums import Row, average_session, rounded

_COLUMNS = (
    "sessions_started", "sessions_completed", "unique_listeners", "peak_listeners", "listening_seconds",
    "length_seconds", "length_count",
)  # fmt: skip
_FIGURES = {
    "total_sessions": or_null(COUNT),
    "unique_listeners": or_null(COUNT),
    "peak_listeners": or_null(COUNT),
    "total_hours": or_null(AMOUNT),
    "average_session_seconds": or_null(AMOUNT),
    "sessions_completed": or_null(COUNT),
}
_NOBODY: Row = dict.fromkeys(_COLUMNS, 0)
_UNKNOWN: Row = dict.fromkeys(_FIGURES)


def render(rollup: RollupInput) -> list[Row]:
    """The entries in the order of time."""
    return [_entry(rollup, start, end, row) for start, end, row in _buckets(rollup)]


def _buckets(rollup: RollupInput) -> list[tuple[datetime, datetime, Row | None]]:
    """Both ends of each bucket, and its row of gold where it has one."""
    calendar, period = rollup.context.calendar, rollup.period
    if period.kind == "day":
        by_hour = {row["hour_at"]: row for row in rollup.rows(LISTENING_BY_HOUR)}
        return [(hour.start, hour.end, by_hour.get(hour.start)) for hour in calendar.hours(period.first_on)]
    by_day = {row["listened_on"]: row for row in rollup.rows(LISTENING_BY_DAY)}
    days = [calendar.day(on) for on in period.days]
    return [(day.start, day.end, by_day.get(day.first_on)) for day in days]


def _entry(rollup: RollupInput, start: datetime, end: datetime, row: Row | None) -> Row:
    covered_seconds = rollup.data_status.covered(rollup.context.tenant).seconds(start, end)
    is_known = row is not None or covered_seconds > 0
    return {
        "start": rollup.context.local(start),
        "status": rollup.data_status.status(end),
        **(_figures(row or _NOBODY) if is_known else _UNKNOWN),
        "seconds": int((end - start).total_seconds()),
        "covered_seconds": covered_seconds,
    }


def _figures(row: Row) -> Row:
    return {
        "total_sessions": row["sessions_started"],
        "unique_listeners": row["unique_listeners"],
        "peak_listeners": row["peak_listeners"],
        "total_hours": rounded(row["listening_seconds"] / 3600),
        "average_session_seconds": average_session(row["length_seconds"], row["length_count"]),
        "sessions_completed": row["sessions_completed"],
    }


SECTION = Section(
    "numbers",
    place=20,
    reads={LISTENING_BY_DAY: _COLUMNS, LISTENING_BY_HOUR: ("hour_at", *_COLUMNS)},
    render=render,
    schema=list_of(
        record({"start": INSTANT, "status": STATUS, **_FIGURES, "seconds": COUNT, "covered_seconds": COUNT}),
        description="Figures are null where nothing is known: no second is covered and no session reaches into the bucket",
    ),
)
