"""Sessions against a plain merge of intervals: Hypothesis draws worlds, and cuts, doubles and shuffles their evidence."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.bronze.haproxy import VISITS
from metrics_lake.config.settings import Sessions
from metrics_lake.model.arrow import arrow_schema
from metrics_lake.silver import sessions
from metrics_lake.silver.merging import READ, merged
from tests.unit.reference import merged as plainly_merged

START = datetime(2001, 1, 15, tzinfo=timezone.utc)
GAP = 60
SCHEMA = arrow_schema(VISITS.of)
NOTHING_YET = pl.DataFrame(schema=pl.from_arrow(arrow_schema(sessions.TABLE).empty_table()).schema)

_REQUEST = st.tuples(st.integers(0, 400), st.integers(0, 90), st.integers(0, 3))  # second, length, file
_REQUESTS = st.lists(_REQUEST, min_size=1, max_size=12)


def _run(file: int, requests: list[tuple[int, int]], is_due: bool = True) -> dict[str, Any]:
    """One row of bronze.visits that holds requests (second, length); a request's identity is what it says."""
    first = min(at for at, _ in requests)
    instants = [
        START + timedelta(seconds=s) for s in (first, max(a + n for a, n in requests), max(a for a, _ in requests))
    ]
    return {
        "tenant": "t", "stream": "live", "listener_id": "l", "file_id": f"f{file}", "protocol": "hls", "has_agent": True,
        "is_internal": False, "player": "VLC", "source": "direct", "source_group": "direct",
        **dict(zip(("first_at", "last_at", "last_request_at"), instants, strict=True)),
        "has_end": True, "segment_seconds": 6.0, "request_count": len(requests), "media_count": len(requests),
        "byte_count": 10 * len(requests), "offsets_ms": [(at - first) * 1000 for at, _ in requests],
        "durations_ms": [length * 1000 for _, length in requests], "sizes_bytes": [10] * len(requests),
        "request_kinds": [3] * len(requests), "line_ids": [at * 1000 + length for at, length in requests],
        "is_due": is_due,
    }  # fmt: skip


def _runs(requests: list[tuple[int, int, int]], seed: int = 0) -> list[dict[str, Any]]:
    """The requests of each file, folded as the reader folds them, in any order, one file twice under another name."""
    rows = []
    for file in {file for _, _, file in requests}:
        mine = sorted({(at, length) for at, length, which in requests if which == file})
        for start, end in plainly_merged([(at, at + length) for at, length in mine], GAP):
            inside = [(at, length) for at, length in mine if start <= at and at + length <= end]
            rows += [_run(file, inside), *([_run(file + 100, inside)] if file == 0 else [])]
    random.Random(seed).shuffle(rows)
    return rows


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    types = pl.from_arrow(SCHEMA.empty_table()).schema
    return pl.DataFrame(rows, schema={name: types[name] for name in READ} | {"is_due": pl.Boolean})


def _spans(frame: pl.DataFrame) -> list[tuple[int, int, int]]:
    found = frame.select("started_at", "ended_at", "request_count").sort("started_at").rows()
    return [(_second(start), _second(end), count) for start, end, count in found]


def _second(instant: datetime) -> int:
    return round((instant - START).total_seconds())


def _expected(requests: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    once = {(at, length) for at, length, _ in requests}
    spans = plainly_merged([(at, at + length) for at, length in once], GAP)
    return [(a, b, sum(a <= at and at + length <= b for at, length in once)) for a, b in spans]


@given(_REQUESTS, st.integers(0, 9))
def test_sessions_are_the_merge_of_their_evidence_however_it_is_cut(requests, seed):
    assert _spans(merged(_frame(_runs(requests, seed)), Sessions())) == _expected(requests)


@given(_REQUESTS, st.sets(st.integers(0, 3)))
def test_sessions_that_grow_run_by_run_are_those_of_all_runs_at_once(requests, late):
    rows = _runs(requests)
    early = [row for row in rows if int(row["file_id"][1:]) % 100 not in late]
    standing = _after(NOTHING_YET, sessions.rebuilt(_frame(early), NOTHING_YET, Sessions()))
    then = [{**row, "is_due": int(row["file_id"][1:]) % 100 in late} for row in rows]
    assert _spans(_after(standing, sessions.rebuilt(_frame(then), standing, Sessions()))) == _expected(requests)


def _after(standing: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """What stands once the changes are made; whatever goes must have stood, and whatever comes must not."""
    came = changes.filter(change=sessions.INSERT).drop("change")
    went = changes.filter(change=sessions.DELETE).drop("change")
    rest = standing.join(went, on=standing.columns, how="anti", nulls_equal=True)
    assert rest.height == standing.height - went.height
    return pl.concat([rest, came.select(standing.columns)])


@given(_REQUESTS)
def test_runs_that_come_again_change_nothing(requests):
    rows = _runs(requests)
    standing = _after(NOTHING_YET, sessions.rebuilt(_frame(rows), NOTHING_YET, Sessions()))
    again = rows + [{**row, "file_id": row["file_id"] + "0"} for row in rows]
    assert sessions.rebuilt(_frame(again), standing, Sessions()).is_empty()


@given(st.sampled_from([2, 3]), st.booleans())
def test_a_request_of_a_format_without_times_has_the_same_end_whether_it_came_once_or_twice(kind, is_twice):
    """An HLS request is over at once; of a connection (3) nobody knows."""
    one = {**_run(0, [(0, 0)]), "request_kinds": [kind], "durations_ms": [None], "has_end": kind != 3}
    rows = [one, {**one, "file_id": "again"}] if is_twice else [one]
    (ended_at,) = merged(_frame(rows), Sessions())["ended_at"]
    assert ended_at == (None if kind == 3 else START)


def test_a_late_piece_joins_two_sessions_and_both_old_ones_go():
    apart = [_run(1, [(0, 10)]), _run(1, [(120, 10)])]
    standing = _after(NOTHING_YET, sessions.rebuilt(_frame(apart), NOTHING_YET, Sessions()))
    late = [{**row, "is_due": False} for row in apart] + [_run(2, [(60, 10)])]
    changes = sessions.rebuilt(_frame(late), standing, Sessions())
    assert changes.filter(change=sessions.DELETE).height == 2
    assert _spans(changes.filter(change=sessions.INSERT)) == [(0, 130, 3)]


def test_a_session_is_said_to_come_from_the_first_referrer_that_was_told():
    rows = [_run(1, [(0, 1)]), {**_run(1, [(20, 1)]), "source": "news.example", "source_group": "other"}]
    assert merged(_frame(rows), Sessions()).select("source", "source_group").rows() == [("news.example", "other")]


def test_a_connection_without_a_known_end_is_a_start_and_no_more():
    row = {**_run(1, [(0, 0)]), "has_end": False, "durations_ms": [None]}
    found = merged(_frame([row]), Sessions()).row(0, named=True)
    assert found["ended_at"] is None and found["last_request_at"] == START and not found["is_marathon"]


def test_the_first_reason_that_fits_excludes():
    def reason(**given_: Any) -> str | None:
        row = _run(1, [(0, 30)]) | given_
        return merged(_frame([row]), Sessions(minimum_seconds=60)).row(0, named=True)["exclusion"]

    every = {"client_kind": "monitor", "has_agent": False, "is_internal": True, "media_count": 0}
    assert reason(**every) == "monitor"
    assert reason(**{**every, "client_kind": None}) == "no_user_agent"
    assert reason(**{**every, "client_kind": None, "has_agent": True}) == "internal"
    assert reason(media_count=0) == "no_media"
    assert reason() == "too_short"
