"""Sessions and peaks against brute force: Hypothesis draws many small worlds, and one Spark job works them all out."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from metrics_lake.gold import listeners_by_minute, stays
from metrics_lake.periods import Calendar
from metrics_lake.settings import Sessions
from metrics_lake.silver import sessions
from tests.lake.reference import clipped, merged, peaks

START = datetime(2001, 1, 15, tzinfo=timezone.utc)
START_MS = int(START.timestamp() * 1000)
DAY_MS = 86_400_000
SLOW = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

_REQUEST = st.tuples(st.integers(0, 400), st.integers(0, 90), st.integers(0, 3))  # second, length, file
_WORLDS = st.lists(st.lists(_REQUEST, min_size=1, max_size=12), min_size=30, max_size=60)
_STAY = st.tuples(st.integers(-200, 900), st.integers(1, 400), st.integers(0, 3), st.integers(0, 1))
_DAYS = st.lists(st.lists(_STAY, min_size=1, max_size=10), min_size=30, max_size=60)

_VISIT = (
    "tenant STRING, stream STRING, listener_id STRING, file_id STRING, is_evidence BOOLEAN, protocol STRING, "
    "has_agent BOOLEAN, client_kind STRING, is_internal BOOLEAN, player STRING, player_version STRING, os STRING, "
    "device STRING, country STRING, region STRING, network STRING, source STRING, source_group STRING, "
    "first_at TIMESTAMP, last_at TIMESTAMP, last_request_at TIMESTAMP, has_end BOOLEAN, segment_seconds DOUBLE, "
    "request_count BIGINT, media_count BIGINT, byte_count BIGINT, offsets_ms ARRAY<BIGINT>, durations_ms ARRAY<BIGINT>, "
    "sizes_bytes ARRAY<BIGINT>, request_kinds ARRAY<TINYINT>, line_ids ARRAY<BIGINT>"
)


def _run(world: int, file: int, requests: list[tuple[int, int]]) -> tuple[Any, ...]:
    """One row of bronze.visits that holds requests (second, length); a request's identity is what it says."""
    first = min(at for at, _ in requests)
    instant = [
        START + timedelta(seconds=s) for s in (first, max(a + n for a, n in requests), max(a for a, _ in requests))
    ]
    return (
        f"t{world}", "live", "l", f"f{file}", True, "hls", True, None, False, "VLC", "3", "Linux", "desktop",
        None, None, None, "direct", "direct", *instant,
        True, 6.0, len(requests), len(requests), 10 * len(requests), [(at - first) * 1000 for at, _ in requests],
        [length * 1000 for _, length in requests], [10] * len(requests), [3] * len(requests),
        [at * 1000 + length for at, length in requests],
    )  # fmt: skip


def _runs(world: int, requests: list[tuple[int, int, int]]) -> list[tuple[Any, ...]]:
    """The requests of each file, folded as the reader folds them, in any order, one file twice under another name."""
    rows = []
    for file in {file for _, _, file in requests}:
        mine = sorted({(at, length) for at, length, which in requests if which == file})
        for start, end in merged([(at, at + length) for at, length in mine], 60):
            inside = [(at, length) for at, length in mine if start <= at and at + length <= end]
            rows += [_run(world, file, inside), *([_run(world, file + 100, inside)] if file == 0 else [])]
    random.Random(world).shuffle(rows)
    return rows


@SLOW
@given(_WORLDS)
def test_sessions_are_the_merge_of_their_evidence_however_it_is_cut(spark: SparkSession, worlds: list[Any]) -> None:
    rows = [row for number, requests in enumerate(worlds) for row in _runs(number, requests)]
    got = sessions.refine(spark.createDataFrame(rows, _VISIT), rules=Sessions()).collect()
    for number, requests in enumerate(worlds):
        once = {(at, length) for at, length, _ in requests}
        mine = sorted(
            (_second(r.started_at), _second(r.ended_at), r.request_count) for r in got if r.tenant == f"t{number}"
        )
        spans = merged([(at, at + length) for at, length in once], 60)
        assert mine == [(a, b, sum(a <= at and at + length <= b for at, length in once)) for a, b in spans]


def _second(instant: datetime) -> int:
    return round((instant.replace(tzinfo=timezone.utc) - START).total_seconds())


@SLOW
@given(_DAYS)
def test_peaks_and_seconds_of_each_minute_equal_a_count_of_every_instant(
    spark: SparkSession, worlds: list[Any]
) -> None:
    rows = [
        (
            f"t{number}",
            f"s{stream}",
            f"l{person}",
            START + timedelta(seconds=at),
            START + timedelta(seconds=at + length),
        )
        for number, stayed in enumerate(worlds)
        for at, length, person, stream in stayed
    ]
    shape = "tenant STRING, stream STRING, listener_id STRING, started_at TIMESTAMP, ended_at TIMESTAMP"
    frame = spark.createDataFrame(rows, shape).selectExpr("*", "ended_at AS last_request_at")
    calendar = Calendar()
    clock = [
        (f"t{n}", START.date(), calendar.day_start(START.date()), START + timedelta(days=1)) for n in range(len(worlds))
    ]
    days = stays.by_day(frame, spark.createDataFrame(clock, stays.DAYS))
    got: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}
    for row in listeners_by_minute.compute(days).collect():
        minute = _second(row.minute_at) * 1000
        got.setdefault((row.tenant, row.stream), {})[minute] = (row.peak_listeners, round(row.listening_seconds * 1000))
    for number, stayed in enumerate(worlds):
        assert got.get((f"t{number}", "*"), {}) == _expected([(a, n, p) for a, n, p, _ in stayed], one_per_person=True)
        for stream in (0, 1):
            mine = [(at, length, at) for at, length, _, on in stayed if on == stream]
            assert got.get((f"t{number}", f"s{stream}"), {}) == _expected(mine, one_per_person=False)


def _expected(stayed: list[tuple[int, int, int]], *, one_per_person: bool) -> dict[int, tuple[int, int]]:
    """Peak and milliseconds of each minute, by counting; in milliseconds after the day began."""
    spans = [(max(0, at * 1000), min(DAY_MS, (at + length) * 1000), who) for at, length, who in stayed]
    inside = [(a, b) for a, b, _ in spans if a < b]
    people = inside
    if one_per_person:
        each = [merged([(a, b) for a, b, who in spans if who == person and a < b], 0) for person in range(4)]
        people = [span for of_one in each for span in of_one]
    return {minute: (peak, clipped(inside, minute, minute + 60_000)) for minute, peak in peaks(people).items()}
