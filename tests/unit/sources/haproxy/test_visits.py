"""Folding requests into runs equals a plain merge of intervals, in any order and with any split."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.sources.haproxy.streams import CONNECTION, NONE, PLAYLIST, SEGMENT
from metrics_lake.sources.haproxy.visits import fold, with_ends
from tests.unit.drawing import rows

GAP_MS, SEGMENT_MS = 60_000, 6_000
_PLAIN = {
    "file_number": 0, "stream_number": 0, "listener_id": "a", "is_evidence": True, "is_early": False, "status": 200,
    "size": 10, "request_kind": SEGMENT, "gap_ms": GAP_MS, "segment_ms": SEGMENT_MS, "has_agent": True,
    "duration_ms": 0,
}  # fmt: skip
_DESCRIBED = {
    **dict.fromkeys(("player", "player_version", "os", "device", "client_kind", "country", "region", "network"), "other"),
    "is_internal": False, "is_time_doubtful": False, "source": "direct", "source_group": "direct",
}  # fmt: skip
_TYPES = {"file_number": pl.UInt32, "stream_number": pl.UInt32, "status": pl.Int16, "request_kind": pl.Int8,
          "duration_ms": pl.Int64, "source": pl.String}  # fmt: skip
_ARRAYS = ("offsets_ms", "durations_ms", "statuses", "sizes_bytes", "request_kinds", "line_ids")


def requests(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Requests as they come from the parser; what a row doesn't say is as in _PLAIN."""
    full = [{**_PLAIN, **_DESCRIBED, "line_id": number, **row} for number, row in enumerate(rows)]
    return pl.DataFrame(full, schema_overrides=_TYPES)


def runs(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return fold(with_ends(requests(rows))).sort("stream_number", "listener_id", "file_number", "first_ms").to_dicts()


def drawn(table: str) -> list[dict[str, Any]]:
    """Rows with `at` and `takes` in seconds."""
    return [
        {
            "accepted_ms": round(row.pop("at") * 1000),
            "duration_ms": None if (takes := row.pop("takes", 0)) is None else round(takes * 1000),
            **row,
        }
        for row in rows(table)
    ]


def merged(pieces: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """The rule in the plainest Python: intervals no further apart than the gap are one."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(pieces):
        if out and start - out[-1][1] <= gap:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


REQUEST = st.fixed_dictionaries(
    {
        "accepted_ms": st.integers(0, 900_000),
        "duration_ms": st.one_of(st.none(), st.integers(0, 200_000)),
        "stream_number": st.integers(0, 1),
        "listener_id": st.sampled_from("ab"),
        "file_number": st.integers(0, 2),
        "request_kind": st.sampled_from([SEGMENT, PLAYLIST, CONNECTION]),
        "size": st.integers(0, 1000),
        "is_early": st.booleans(),
    }
)
REQUESTS = st.lists(REQUEST, min_size=1, max_size=25)


def piece(row: dict[str, Any]) -> tuple[int, int]:
    if row["is_early"] and row["request_kind"] == CONNECTION:
        return row["accepted_ms"], row["accepted_ms"]
    longer = SEGMENT_MS if row["request_kind"] == SEGMENT else 0
    return row["accepted_ms"], row["accepted_ms"] + (row["duration_ms"] or 0) + longer


def by_listener(rows: list[dict[str, Any]], start: str, end: str) -> dict[tuple[int, str], list[tuple[int, int]]]:
    out: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for row in rows:
        out.setdefault((row["stream_number"], row["listener_id"]), []).append((row[start], row[end]))
    return out


@given(REQUESTS)
def test_runs_are_the_plain_merge_of_what_each_listener_asked_of_each_stream(rows):
    rows = [{**row, "file_number": 0} for row in rows]
    pieces = [{**row, "from": piece(row)[0], "to": piece(row)[1]} for row in rows]
    expected = {key: merged(spans, GAP_MS) for key, spans in by_listener(pieces, "from", "to").items()}
    assert by_listener(runs(rows), "first_ms", "last_ms") == expected


@given(REQUESTS)
def test_however_requests_are_split_into_files_their_runs_merge_to_the_same(rows):
    split = by_listener(runs(rows), "first_ms", "last_ms")
    whole = by_listener(runs([{**row, "file_number": 0} for row in rows]), "first_ms", "last_ms")
    assert {key: merged(spans, GAP_MS) for key, spans in split.items()} == whole


@given(REQUESTS, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_does_not_matter(rows, random):
    numbered = [{**row, "line_id": number} for number, row in enumerate(rows)]
    shuffled = random.sample(numbered, len(numbered))
    assert runs(shuffled) == runs(numbered)


@given(st.lists(st.tuples(REQUEST, st.booleans(), st.sampled_from([NONE, SEGMENT])), min_size=1, max_size=25))
def test_no_request_and_no_byte_is_lost_or_counted_twice(drawn_requests):
    rows = [
        {**row, "is_evidence": is_evidence, "request_kind": row["request_kind"] if is_evidence else kind}
        for row, is_evidence, kind in drawn_requests
    ]
    got = runs(rows)
    assert sum(run["request_count"] for run in got) == len(rows)
    assert sum(run["byte_count"] for run in got) == sum(row["size"] for row in rows)
    assert all(len(run[name]) == run["request_count"] for run in got for name in _ARRAYS)
    assert sorted(line for run in got for line in run["line_ids"]) == list(range(len(rows)))
    instants = [run["first_ms"] + offset for run in got for offset in run["offsets_ms"]]
    assert sorted(instants) == sorted(row["accepted_ms"] for row in rows)


@pytest.mark.parametrize(
    ("what", "table", "expected"),
    [
        ("a second request exactly the gap after the first's end", "at|takes\n0|1\n67|1", [(0, 74)]),
        ("a second request a millisecond later", "at|takes\n0|1\n67.001|1", [(0, 7), (67.001, 74.001)]),
        ("a long request over short ones", "at|takes\n0|100\n10|1\n160|0", [(0, 166)]),
        ("two requests of one instant", "at|takes\n5|1\n5|2", [(5, 13)]),
        ("one segment lasts one segment", "at|takes\n0|0.2", [(0, 6.2)]),
        ("a request without a known end", "at|takes\n0|", [(0, 6)]),
    ],
)
def test_a_run_goes_on_until_the_gap_is_exceeded(what, table, expected):
    assert [(run["first_ms"] / 1000, run["last_ms"] / 1000) for run in runs(drawn(table))] == expected


def test_only_segments_are_lengthened():
    ends = {
        kind: runs([{"accepted_ms": 0, "duration_ms": 500, "request_kind": kind}])[0]["last_ms"] for kind in (1, 2, 3)
    }
    assert ends == {SEGMENT: 6500, PLAYLIST: 500, CONNECTION: 500}


def test_each_stream_has_its_own_gap():
    near = [{"accepted_ms": 0, "request_kind": CONNECTION}, {"accepted_ms": 6000, "request_kind": CONNECTION}]
    assert len(runs([{**row, "gap_ms": 5000} for row in near])) == 2
    assert len(runs([{**row, "gap_ms": 6000} for row in near])) == 1


def test_a_connection_that_is_logged_early_is_a_start_without_an_end():
    [run] = runs([{"accepted_ms": 1000, "duration_ms": 30, "is_early": True, "request_kind": CONNECTION}])
    assert (run["first_ms"], run["last_ms"], run["has_end"], run["durations_ms"]) == (1000, 1000, False, [None])


def test_a_segment_that_is_logged_early_still_lasts_one_segment():
    [run] = runs([{"accepted_ms": 1000, "duration_ms": 30, "is_early": True, "request_kind": SEGMENT}])
    assert (run["last_ms"], run["has_end"]) == (7030, True)


def test_one_known_end_is_enough_for_a_run_to_have_one():
    early = {"accepted_ms": 0, "duration_ms": 30, "is_early": True, "request_kind": CONNECTION}
    [run] = runs([early, {"accepted_ms": 2000, "duration_ms": 9000, "request_kind": CONNECTION}])
    assert (run["last_ms"], run["has_end"], run["durations_ms"]) == (11000, True, [None, 9000])


def test_what_is_no_evidence_is_one_row_however_far_apart():
    errors = [
        {"accepted_ms": at, "is_evidence": False, "status": 404, "request_kind": NONE} for at in (0, 10**7, 10**8)
    ]
    [run] = runs(errors)
    assert (run["request_count"], run["media_count"], run["statuses"]) == (3, 0, [404, 404, 404])


def test_media_are_segments_and_connections_and_no_playlists():
    kinds = (SEGMENT, PLAYLIST, PLAYLIST, CONNECTION)
    [run] = runs([{"accepted_ms": 0, "request_kind": kind} for kind in kinds])
    assert (run["request_count"], run["media_count"]) == (4, 2)


@pytest.mark.parametrize(
    "property_values", [{"player": "mpv"}, {"has_agent": None}, {"source": "a.example"}, {"is_internal": True}]
)
def test_requests_of_a_run_are_alike_in_what_is_known_of_client_and_referrer(property_values):
    others = [{"accepted_ms": at, **(property_values if at % 2 else {})} for at in range(4)]
    assert [(run["request_count"], run[next(iter(property_values))]) for run in runs(others)] == [
        (2, {**_PLAIN, **_DESCRIBED}[next(iter(property_values))]), (2, property_values[next(iter(property_values))]),
    ]  # fmt: skip


def test_one_doubtful_time_makes_a_doubtful_run():
    assert [
        run["is_time_doubtful"] for run in runs([{"accepted_ms": 0}, {"accepted_ms": 1, "is_time_doubtful": True}])
    ] == [True]


def test_runs_of_a_hundred_years_of_log_stay_apart():
    rows = [{"accepted_ms": at, "listener_id": who} for who in "abc" for at in (0, 4_102_444_800_000)]
    assert [run["request_count"] for run in runs(rows)] == [1] * 6


def test_one_listener_s_late_request_holds_no_other_listener_s_early_ones_together():
    rows = [{"accepted_ms": at, "listener_id": who} for who, at in (("a", 4_102_444_800_000), ("b", 0), ("b", 10**9))]
    assert [(run["listener_id"], run["request_count"]) for run in runs(rows)] == [("a", 1), ("b", 1), ("b", 1)]


@pytest.mark.parametrize(("kind", "has_end"), [(SEGMENT, True), (PLAYLIST, True), (CONNECTION, False)])
def test_a_connection_of_a_format_without_times_is_a_start_without_an_end(kind, has_end):
    (run,) = runs([{"accepted_ms": 0, "duration_ms": None, "request_kind": kind}])
    assert run["has_end"] is has_end
