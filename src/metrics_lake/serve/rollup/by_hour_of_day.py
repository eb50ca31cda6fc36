"""The section `by_hour_of_day`: the figures of each hour of the clock, 0 to 23, over all days of the period."""

from __future__ import annotations

from metrics_lake.serve.rollup.gold_rows import LISTENING_BY_HOUR, LISTENING_BY_PERIOD
from metrics_lake.serve.rollup.json_schema import AMOUNT, COUNT, list_of, record
from metrics_lake.serve.rollup.section import RollupInput, Section
from metrics_lake.serve.sums import Row, rounded


def render(rollup: RollupInput) -> list[Row]:
    """24 entries, in order."""
    rows_by_hour: dict[int, list[Row]] = {hour: [] for hour in range(24)}
    for row in rollup.rows(LISTENING_BY_HOUR):
        rows_by_hour[row["hour_of_day"]].append(row)
    counted = rollup.rows(LISTENING_BY_PERIOD)
    uniques = (counted[-1]["unique_by_hour"] if counted else None) or [0] * 24
    return [_entry(hour, rows, uniques[hour]) for hour, rows in rows_by_hour.items()]


def _entry(hour: int, rows: list[Row], unique_listeners: int) -> Row:
    # Sessions that were active in this hour of an earlier day too are counted there already.
    counted_before = sum(row["again"] for row in rows[1:])
    return {
        "hour": hour,
        "total_hours": rounded(sum(row["listening_seconds"] for row in rows) / 3600),
        "sessions_active": sum(row["sessions_active"] for row in rows) - counted_before,
        "unique_listeners": unique_listeners,
        "sessions_started": sum(row["sessions_started"] for row in rows),
        "sessions_completed": sum(row["sessions_completed"] for row in rows),
    }


SECTION = Section(
    "by_hour_of_day",
    place=30,
    reads={
        LISTENING_BY_HOUR: (
            "hour_at",
            "hour_of_day",
            "again",
            "listening_seconds",
            "sessions_active",
            "sessions_started",
            "sessions_completed",
        ),
        LISTENING_BY_PERIOD: ("unique_by_hour",),
    },
    render=render,
    schema=list_of(
        record(
            {
                "hour": {"type": "integer", "minimum": 0, "maximum": 23},
                "total_hours": AMOUNT,
                "sessions_active": COUNT,
                "unique_listeners": COUNT,
                "sessions_started": COUNT,
                "sessions_completed": COUNT,
            }
        ),
        minItems=24,
        maxItems=24,
    ),
)
