"""Sessions are the merge of their evidence through refine itself, in any order, split and repetition of runs. No Spark."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.refine import refine
from metrics_lake.silver import sessions
from tests.unit.drawing import utc
from tests.unit.examples import examples
from tests.unit.jobs.lakes import take_in, work_of
from tests.unit.reference import Interval
from tests.unit.reference import merged as plainly_merged
from tests.unit.sources.haproxy.logs import SECRET, TENANTS, line, text

GAPS = ((0, 0), (1, 30), (30, 1), (0, 30), (30, 0), (60, 5), (5.5, 7.25))  # of HLS, and of long connections
PATHS = ("/acme/live/1.m3u8", "/acme.mp3")
NIGHT = 12 * 3600
_PIECE = st.tuples(
    st.sampled_from(PATHS),
    st.sampled_from("78"),  # whose
    st.one_of(
        st.integers(0, 240), st.integers(NIGHT - 90, NIGHT + 90)
    ),  # when, in seconds; the second is about midnight
    st.sampled_from([0, 1, 30, 60, 90]),  # how long
    st.integers(0, 3),  # with which run
)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def _line(path: str, who: str, at: float, length: float, _: int) -> str:
    return line(at, path, address=f"192.0.2.{who}", timers=f"0/0/0/0/{round(length * 1000)}")


def _spans(work: JobContext) -> list[tuple[str, Interval]]:
    """Stream, start and end in milliseconds from noon, in order."""
    noon = utc("2001-01-15 12:00")
    held = work.delta_tables.frame(sessions.TABLE, columns=("stream", "started_at", "ended_at")).rows()
    return sorted((stream, tuple(round((at - noon).total_seconds() * 1000) for at in span)) for stream, *span in held)


def _expected(
    pieces: list[tuple[str, str, float, float, int]], gaps: tuple[float, float]
) -> list[tuple[str, Interval]]:
    found = []
    for path, stream, gap in zip(PATHS, ("live", "fm"), gaps, strict=True):
        for who in "78":
            mine = [(at * 1000, (at + length) * 1000) for p, w, at, length, _ in pieces if (p, w) == (path, who)]
            found += [(stream, span) for span in plainly_merged(mine, round(gap * 1000))]
    return sorted(found)


_AT_THE_BORDER = [(PATHS[1], "7", 0, 60, 0), (PATHS[1], "7", 90, 60, 1)]
_BEYOND_IT = [(PATHS[1], "7", 0, 60, 0), (PATHS[1], "7", 91, 60, 1)]
_TWO_JOINED = [
    (PATHS[1], "7", NIGHT - 90, 30, 0),
    (PATHS[1], "7", NIGHT + 30, 30, 0),
    (PATHS[1], "7", NIGHT - 30, 30, 1),
]
_MARATHON = [(PATHS[1], "7", 0, NIGHT, 0), (PATHS[1], "7", NIGHT + 30, 90, 1), (PATHS[1], "7", NIGHT - 80, 1, 2)]


@settings(max_examples=examples(5), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(_PIECE, min_size=1, max_size=10), st.sampled_from(GAPS), st.integers(0, 99))
@example(_AT_THE_BORDER, (1, 30), 0)
@example(_AT_THE_BORDER, (1, 30), 1)
@example(_AT_THE_BORDER, (30, 29), 0)
@example(_BEYOND_IT, (1, 30), 0)
@example(_TWO_JOINED, (0, 30), 0)
@example(_MARATHON, (0, 30), 0)
@example([(PATHS[1], "7", 0, 60, 0), (PATHS[1], "7", 60, 60, 1)], (0, 0), 0)
def test_sessions_are_the_merge_of_all_that_came_whatever_the_gaps_and_the_order_of_runs(pieces, gaps, seed):
    runs = [text([_line(*piece) for piece in pieces if piece[-1] == n]) for n in {piece[-1] for piece in pieces}]
    random.Random(seed).shuffle(runs)
    with tempfile.TemporaryDirectory() as folder:
        asked = {"sessions.gap_seconds": gaps[0], "sessions.long_connection_gap_seconds": gaps[1]}
        work = work_of(Path(folder), TENANTS, asked)
        for run in [*runs, runs[0] + b"\n"]:  # one of them again, in a file of other bytes
            take_in(work, run)
            refine(work)
        assert _spans(work) == _expected(list(dict.fromkeys(pieces)), gaps)
