"""Lines lost and doubled, told by the numbers that HAProxy gives them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.coverage.completeness import arrivals, coverage_of
from metrics_lake.coverage.line_loss import CounterRow, line_losses, lost_share
from tests.unit.drawing import utc

NOON, ONE, TWO = (utc(f"2001-01-15 {hour}:00") for hour in (12, 13, 14))


def row(*runs, hour=NOON, proxy="a", frontend="fe", process=1, lines=None) -> CounterRow:
    first, last = [run[0] for run in runs], [run[1] for run in runs]
    count = sum(b - a + 1 for a, b in runs) if lines is None else lines
    return CounterRow(proxy, frontend, process, "log", hour, first, last, count)


def told(*rows):
    return [(loss.proxy, loss.hour, loss.received, loss.lost, loss.doubled) for loss in line_losses(rows)]


def test_numbers_without_a_gap_lose_nothing_even_over_hours():
    assert told(row((1, 50)), row((51, 90), hour=ONE)) == [("a", NOON, 50, 0, 0), ("a", ONE, 40, 0, 0)]


def test_numbers_that_never_come_are_lost_lines_of_the_hour_in_which_the_next_one_comes():
    assert told(row((1, 10), (16, 20)), row((31, 40), hour=ONE)) == [("a", NOON, 15, 5, 0), ("a", ONE, 10, 10, 0)]


def test_a_number_that_comes_twice_is_a_doubled_line_in_one_file_or_in_two():
    assert told(row((1, 10), lines=13)) == [("a", NOON, 10, 0, 3)]
    assert told(row((1, 10)), row((8, 12), hour=ONE)) == [("a", NOON, 10, 0, 0), ("a", ONE, 2, 0, 3)]


def test_a_file_within_another_s_numbers_closes_the_gap():
    assert told(row((1, 10), (21, 30)), row((11, 20), hour=ONE)) == [("a", NOON, 20, 0, 0), ("a", ONE, 10, 0, 0)]


@pytest.mark.parametrize("other", [{"proxy": "b"}, {"frontend": "fe2"}, {"process": 2}])
def test_every_counter_counts_by_itself(other):
    assert sum(lost for *_, lost, _ in told(row((1, 10)), row((500, 510), **other))) == 0


def test_shares_are_of_what_was_sent_and_of_what_came():
    [loss] = line_losses([row((1, 6), (10, 10), lines=14)])
    assert (loss.lost_share, loss.doubled_share) == (0.3, 1.0)


@given(st.sets(st.integers(1, 60), min_size=1), st.randoms(use_true_random=False))
def test_however_numbers_lie_in_files_lost_is_what_lacks_between_the_first_and_the_last(numbers, dice):
    files = [sorted(number for number in numbers if number % 3 == part) for part in range(3)]
    rows = [row(*((n, n) for n in held)) for held in files if held]
    dice.shuffle(rows)
    [loss] = line_losses(rows)
    assert (loss.received, loss.lost) == (len(numbers), max(numbers) - min(numbers) + 1 - len(numbers))


FILES = [
    ("a", "haproxy/a/haproxy.log-20010115-13", "read", NOON, NOON.replace(minute=59)),
    ("a", "haproxy/a/haproxy.log-20010115-15", "read", TWO, TWO.replace(minute=59)),
    ("b", "haproxy/b/haproxy.log-20010115-13", "read", NOON, NOON.replace(minute=59)),
    ("b", "haproxy/b/haproxy.log-20010115-14", "read", ONE, ONE.replace(minute=59)),
]


@pytest.mark.parametrize(("numbered", "share"), [
    ([], (1 / 3 + 1 / 3) / 2),                                              # an hour of three of each
    ([row((1, 30)), row((41, 100), hour=TWO)], (0.1 + 1 / 3) / 2),          # of a by its lines, of b by its hours
    ([row((1, 30)), row((31, 100), hour=utc("2001-01-16 12:00"))], (0 + 1 / 3) / 2),
])  # fmt: skip
def test_the_share_lost_is_told_by_lines_where_they_are_numbered_and_else_by_hours(numbered, share):
    found = coverage_of(arrivals(FILES))
    assert lost_share(found, line_losses(numbered), NOON, utc("2001-01-15 15:00")) == pytest.approx(share)
    assert lost_share(coverage_of([]), [], NOON, TWO) == 0
