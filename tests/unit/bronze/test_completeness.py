"""Up to when everything has arrived: gaps, and several proxies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.bronze.completeness import complete_through
from tests.unit.drawing import rows, utc

FILES = {
    "one hour after the other": """
        proxy | first               | last
        a     | 2001-01-15 10:00:01 | 2001-01-15 10:59:59
        a     | 2001-01-15 11:00:00 | 2001-01-15 11:59:00
        """,
    "a gap, after which nothing counts": """
        proxy | first               | last
        a     | 2001-01-15 11:00:00 | 2001-01-15 11:59:00
        a     | 2001-01-15 13:00:00 | 2001-01-15 13:59:00
        a     | 2001-01-15 14:00:00 | 2001-01-15 14:59:00
        """,
    "a file that stands for several hours": """
        proxy | first               | last
        a     | 2001-01-15 08:30:00 | 2001-01-15 11:10:00
        """,
    "a long file over short ones": """
        proxy | first               | last
        a     | 2001-01-15 08:00:00 | 2001-01-15 11:30:00
        a     | 2001-01-15 09:00:00 | 2001-01-15 09:30:00
        """,
    "two proxies, one of them behind": """
        proxy | first               | last
        a     | 2001-01-15 10:00:00 | 2001-01-15 13:59:00
        b     | 2001-01-15 10:00:00 | 2001-01-15 11:20:00
        """,
    "two proxies whose gaps don't help each other": """
        proxy | first               | last
        a     | 2001-01-15 10:00:00 | 2001-01-15 11:59:00
        a     | 2001-01-15 13:00:00 | 2001-01-15 13:59:00
        b     | 2001-01-15 10:00:00 | 2001-01-15 14:59:00
        """,
    "the same hour twice": """
        proxy | first               | last
        a     | 2001-01-15 11:00:00 | 2001-01-15 11:59:00
        a     | 2001-01-15 11:00:00 | 2001-01-15 11:59:00
        """,
    "over midnight": """
        proxy | first               | last
        a     | 2001-01-14 22:00:00 | 2001-01-14 23:59:00
        a     | 2001-01-15 00:00:00 | 2001-01-15 11:00:00
        """,
}


def spans(drawn: str):
    return [(row["proxy"], row["first"], row["last"]) for row in rows(drawn)]


@pytest.mark.parametrize("kind", FILES)
def test_data_is_complete_through_the_last_hour_before_a_gap(kind):
    assert complete_through(spans(FILES[kind])) == utc("2001-01-15 12:00")


def test_before_the_first_file_nothing_is_complete():
    assert complete_through([]) is None


def test_a_late_hour_closes_the_gap():
    gap = spans(FILES["a gap, after which nothing counts"])
    late = ("a", utc("2001-01-15 12:00"), utc("2001-01-15 12:10"))
    assert complete_through([*gap, late]) == utc("2001-01-15 15:00")


@given(st.permutations(spans(FILES["a gap, after which nothing counts"])))
def test_the_order_in_which_files_come_does_not_matter(files):
    assert complete_through(iter(files)) == utc("2001-01-15 12:00")
