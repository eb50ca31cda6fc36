"""Peaks against brute force: every instant that can matter is counted."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.gold import listeners_by_minute, session_buckets
from tests.unit.gold.drawn import sessions
from tests.unit.reference import clipped, merged, peaks

START = datetime(2001, 1, 15, tzinfo=timezone.utc)
DAY_MS = 86_400_000
_STAY = st.tuples(st.integers(-200, 900), st.integers(1, 400), st.integers(0, 3), st.integers(0, 1))


@given(st.lists(_STAY, min_size=1, max_size=10))
def test_peaks_and_seconds_of_each_minute_equal_a_count_of_every_instant(stayed):
    held = sessions((f"l{person}", f"s{stream}", at, length) for at, length, person, stream in stayed)
    starts = session_buckets.milliseconds(START)
    laid = session_buckets.in_bucket(session_buckets.of(held), starts, starts + DAY_MS)
    got: dict[str, dict[int, tuple[int, int]]] = {}
    for row in listeners_by_minute.sweep(laid).iter_rows(named=True):
        minute = session_buckets.milliseconds(row["minute_at"]) - starts
        got.setdefault(row["stream"], {})[minute] = row["peak_listeners"], round(row["listening_seconds"] * 1000)
    assert got.get("*", {}) == _expected([(a, n, p) for a, n, p, _ in stayed], one_per_person=True)
    for stream in (0, 1):
        mine = [(at, length, at) for at, length, _, on in stayed if on == stream]
        assert got.get(f"s{stream}", {}) == _expected(mine, one_per_person=False)


def _expected(stayed: list[tuple[int, int, int]], *, one_per_person: bool) -> dict[int, tuple[int, int]]:
    """Peak and milliseconds of each minute, by counting; in milliseconds after the day began."""
    spans = [(max(0, at * 1000), min(DAY_MS, (at + length) * 1000), who) for at, length, who in stayed]
    inside = [(a, b) for a, b, _ in spans if a < b]
    people = inside
    if one_per_person:
        each = [merged([(a, b) for a, b, who in spans if who == person and a < b], 0) for person in range(4)]
        people = [span for of_one in each for span in of_one]
    return {minute: (peak, clipped(inside, minute, minute + 60_000)) for minute, peak in peaks(people).items()}


def test_a_quiet_minute_has_a_row_while_anybody_listens():
    starts = session_buckets.milliseconds(START)
    laid = session_buckets.in_bucket(session_buckets.of(sessions([("a", "live", 30, 200)])), starts, starts + DAY_MS)
    rows = listeners_by_minute.sweep(laid).filter(stream="live").rows()
    assert [(at.minute, peak, seconds) for _, at, peak, seconds in rows] == [
        (0, 1, 30.0), (1, 1, 60.0), (2, 1, 60.0), (3, 1, 50.0),
    ]  # fmt: skip


def test_a_day_without_listeners_has_no_rows():
    starts = session_buckets.milliseconds(START + timedelta(days=5))
    laid = session_buckets.in_bucket(session_buckets.of(sessions([("a", "live", 30, 200)])), starts, starts + DAY_MS)
    assert listeners_by_minute.sweep(laid).is_empty()
