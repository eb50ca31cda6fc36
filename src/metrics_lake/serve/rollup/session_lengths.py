"""The section `session_lengths`: how many sessions of the period lasted how long."""

from __future__ import annotations

from collections import Counter

from metrics_lake.serve.rollup.json_schema import COUNT, TEXT, list_of, record
from metrics_lake.serve.rollup.section import RollupInput, Section
from metrics_lake.serve.sums import Row

_TABLE = "gold.session_lengths_by_day"


def render(rollup: RollupInput) -> list[Row]:
    """An entry for each bucket of lengths, the shortest first; the last one has no upper edge."""
    counts: Counter[int] = Counter()
    for row in rollup.rows(_TABLE):
        counts[row["at_least_minutes"]] += row["session_count"]
    edges = list(rollup.context.edges_minutes)
    return [
        {"from_minutes": low, "to_minutes": high, "label": label(low, high), "sessions": counts[low]}
        for low, high in zip(edges, [*edges[1:], None], strict=True)
    ]


def label(low: int, high: int | None) -> str:
    """A bucket in words, by its lower edge: `< 1 minute`, `1 minute`, `2 hours`, `18 hours +`."""
    if low == 0 and high is not None:
        return f"< {_in_words(high)}"
    return _in_words(low) if high is not None else f"{_in_words(low)} +"


def _in_words(minutes: int) -> str:
    number, unit = (minutes // 60, "hour") if minutes and minutes % 60 == 0 else (minutes, "minute")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


SECTION = Section(
    "session_lengths",
    place=40,
    reads={_TABLE: ("at_least_minutes", "session_count")},
    render=render,
    schema=list_of(
        record(
            {
                "from_minutes": COUNT,
                "to_minutes": {"type": ["integer", "null"]},
                "label": TEXT,
                "sessions": COUNT,
            }
        )
    ),
)
