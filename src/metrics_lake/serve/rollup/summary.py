"""The section `summary`: the figures of the whole period."""

from __future__ import annotations

from metrics_lake.coverage.covered import Covered
from metrics_lake.model.periods import Period
from metrics_lake.serve.rollup.gold_rows import LISTENING_BY_DAY, LISTENING_BY_PERIOD, GoldRows
from metrics_lake.serve.rollup.json_schema import AMOUNT, COUNT, or_null, record
from metrics_lake.serve.rollup.section import RollupInput, Section
from metrics_lake.serve.sums import SUMMARY_COLUMNS, Row, summary
from metrics_lake.serve.uniques import crosses_epoch


def period_summary(gold: GoldRows, tenant: str, stream: str, period: Period, covered: Covered) -> Row:
    """The summary of a stream's days in a period; its listeners were counted one by one, in gold."""
    days = gold.of_period(LISTENING_BY_DAY, tenant, stream, period)
    counted = gold.of_period(LISTENING_BY_PERIOD, tenant, stream, period)
    unique_listeners = counted[-1]["unique_listeners"] if counted else 0
    return summary(
        days,
        unique_listeners=unique_listeners,
        seconds=period.seconds,
        covered_seconds=covered.seconds(period.start, period.end),
        outside_seconds=covered.listening_outside(stream, period.start, period.end),
    )


def render(rollup: RollupInput) -> Row:
    """The summary, with the peak's minute on the tenant's clock."""
    context, period = rollup.context, rollup.period
    covered = rollup.data_status.covered(context.tenant)
    figures = period_summary(rollup.gold, context.tenant, rollup.stream, period, covered)
    if crosses_epoch(period.start, period.end, context.contract["key_rotation"]):
        figures["crosses_epoch"] = True
    return {**figures, "peak_at": context.local(figures["peak_at"])}


_AVERAGE = "Listening inside the covered seconds over these; null where none is covered"
_COVERED = (
    "Seconds in hours received from at least one expected proxy, from the hour on in which the tenant's first line was "
    "logged"
)
SECTION = Section(
    "summary",
    place=10,
    reads={LISTENING_BY_DAY: SUMMARY_COLUMNS, LISTENING_BY_PERIOD: ("unique_listeners",)},
    render=render,
    schema=record(
        {
            "total_sessions": COUNT,
            "total_hours": AMOUNT,
            "total_days": AMOUNT,
            "unique_listeners": COUNT,
            "crosses_epoch": {"const": True},
            "peak_listeners": COUNT,
            "peak_at": {"type": ["string", "null"], "format": "date-time"},
            "average_listeners": {**or_null(AMOUNT), "description": _AVERAGE},
            "average_session_seconds": AMOUNT,
            "sessions_completed": COUNT,
            "sessions_active": COUNT,
            "seconds": {
                **COUNT,
                "description": "Real seconds of the period: a day has 23 or 25 hours where clocks change",
            },
            "covered_seconds": {**COUNT, "description": _COVERED},
        },
        optional=("crosses_epoch",),
    ),
)
