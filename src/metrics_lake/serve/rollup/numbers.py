"""The section `numbers`: an entry for each hour of a day, or for each day of a longer period; zeros where nobody listened."""

from __future__ import annotations

from metrics_lake.serve.rollup.gold_rows import LISTENING_BY_DAY, LISTENING_BY_HOUR
from metrics_lake.serve.rollup.json_schema import AMOUNT, COUNT, INSTANT, list_of, record
from metrics_lake.serve.rollup.section import RollupInput, Section
from metrics_lake.serve.sums import Row, rounded

_COLUMNS = ("sessions_started", "unique_listeners", "peak_listeners", "listening_seconds")


def render(rollup: RollupInput) -> list[Row]:
    """The entries in the order of time."""
    calendar, period = rollup.context.calendar, rollup.period
    if period.kind == "day":
        by_hour = {row["hour_at"]: row for row in rollup.rows(LISTENING_BY_HOUR)}
        buckets = [(hour.start, by_hour.get(hour.start)) for hour in calendar.hours(period.first_on)]
    else:
        by_day = {row["listened_on"]: row for row in rollup.rows(LISTENING_BY_DAY)}
        buckets = [(calendar.day_start(on), by_day.get(on)) for on in period.days]
    return [{"start": rollup.context.local(start), **_figures(row or {})} for start, row in buckets]


def _figures(row: Row) -> Row:
    return {
        "total_sessions": row.get("sessions_started", 0),
        "unique_listeners": row.get("unique_listeners", 0),
        "peak_listeners": row.get("peak_listeners", 0),
        "total_hours": rounded(row.get("listening_seconds", 0) / 3600),
    }


SECTION = Section(
    "numbers",
    place=20,
    reads={LISTENING_BY_DAY: _COLUMNS, LISTENING_BY_HOUR: ("hour_at", *_COLUMNS)},
    render=render,
    schema=list_of(
        record(
            {
                "start": INSTANT,
                "total_sessions": COUNT,
                "unique_listeners": COUNT,
                "peak_listeners": COUNT,
                "total_hours": AMOUNT,
            }
        )
    ),
)
