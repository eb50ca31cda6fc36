"""The section `excluded`: sessions that started in the period and are not counted, by reason."""

from __future__ import annotations

from metrics_lake.serve.rollup.gold_rows import LISTENING_BY_DAY
from metrics_lake.serve.rollup.json_schema import COUNT
from metrics_lake.serve.rollup.section import RollupInput, Section
from metrics_lake.serve.sums import excluded_sessions


def render(rollup: RollupInput) -> dict[str, int]:
    return excluded_sessions(rollup.rows(LISTENING_BY_DAY))


SECTION = Section(
    "excluded",
    place=60,
    reads={LISTENING_BY_DAY: ("excluded",)},
    render=render,
    schema={"type": "object", "additionalProperties": COUNT},
)
