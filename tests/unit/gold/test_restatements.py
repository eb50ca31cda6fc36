"""What is told of a day whose figures change."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from metrics_lake.gold.restatements import FIGURES, compute, joined

ON = date(2001, 1, 15)
KEYS = {"listened_on": pl.Date, "tenant": pl.String, "stream": pl.String}
FILES = pl.DataFrame({"listened_on": [ON, ON], "tenant": ["p", "p"], "path": ["b.log", "a.log"]})


def days(**sessions: int) -> pl.DataFrame:
    """Rows of gold.listening_by_day: sessions_started by stream, everything else 1."""
    rows: list[dict[str, Any]] = [
        dict.fromkeys(FIGURES, 1) | {"listened_on": ON, "tenant": "p", "stream": stream, "sessions_started": number}
        for stream, number in sessions.items()
    ]
    return pl.DataFrame(rows, schema={**KEYS, **dict.fromkeys(FIGURES, pl.Int64)})


def told(old: pl.DataFrame, new: pl.DataFrame) -> list[tuple[Any, ...]]:
    found = compute(old, new, FILES, sessions_version=7)
    assert set(found["sessions_version"]) <= {7}
    return found.select("stream", "figure", "was", "became", "paths").rows()


def test_a_changed_figure_is_told_with_the_files_that_changed_it():
    assert told(days(live=3, fm=4), days(live=5, fm=4)) == [("live", "sessions_started", 3.0, 5.0, ["a.log", "b.log"])]


def test_a_day_s_first_figures_restate_nothing():
    assert told(days(), days(live=5)) == []


def test_a_stream_that_comes_late_to_a_day_or_goes_from_it_is_a_change_from_or_to_nothing():
    assert [row[1:4] for row in told(days(live=3), days(live=3, fm=2)) if row[1] == "sessions_started"] == [
        ("sessions_started", 0.0, 2.0)
    ]
    assert {row[0]: row[3] for row in told(days(live=3, fm=2), days(live=3))} == {"fm": 0.0}


def test_what_stays_is_not_told():
    assert told(days(live=3), days(live=3)) == []


def test_what_was_told_of_a_version_stays_when_other_figures_of_it_change():
    first = compute(days(live=3, fm=4), days(live=5, fm=4), FILES, sessions_version=7)
    then = compute(days(live=5, fm=4), days(live=6, fm=2), FILES.clear(), sessions_version=7)
    assert joined(first, then).select("stream", "was", "became", "paths").rows() == [
        ("fm", 4.0, 2.0, []),
        ("live", 3.0, 6.0, ["a.log", "b.log"]),
    ]
    assert joined(first, first).equals(first.select(joined(first, first).columns))
    back = compute(days(live=5), days(live=3), FILES, sessions_version=7)
    assert joined(first, back).is_empty()
