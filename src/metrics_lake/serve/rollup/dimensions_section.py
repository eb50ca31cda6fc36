"""The section `dimensions`: the values of each dimension, the most listened to first."""

from __future__ import annotations

from metrics_lake.model import dimensions
from metrics_lake.serve.rollup.json_schema import AMOUNT, COUNT, TEXT, about, list_of, record
from metrics_lake.serve.rollup.section import RollupInput, Section
from metrics_lake.serve.sums import Row, rounded

_TABLE = "gold.dimensions_by_period"


def render(rollup: RollupInput) -> dict[str, list[Row]]:
    """By dimension its values; a dimension without values has an empty list."""
    by_dimension: dict[str, list[Row]] = {name: [] for name in dimensions.NAMES}
    for row in sorted(rollup.rows(_TABLE), key=_order):
        by_dimension.setdefault(row["dimension"], []).append(
            {
                "value": row["dimension_value"],
                "total_sessions": row["sessions_started"],
                "total_hours": rounded(row["listening_seconds"] / 3600),
                "unique_listeners": row["unique_listeners"],
            }
        )
    return by_dimension


def _order(row: Row) -> tuple[float, int, str]:
    return -row["listening_seconds"], -row["sessions_started"], row["dimension_value"]


_VALUES = list_of(record({"value": TEXT, "total_sessions": COUNT, "total_hours": AMOUNT, "unique_listeners": COUNT}))
SECTION = Section(
    "dimensions",
    place=50,
    reads={_TABLE: ("dimension", "dimension_value", "sessions_started", "listening_seconds", "unique_listeners")},
    render=render,
    schema=record(
        {dimension.name: about(_VALUES, dimension.meaning) for dimension in dimensions.DIMENSIONS},
        additionalProperties=_VALUES,
    ),
)
