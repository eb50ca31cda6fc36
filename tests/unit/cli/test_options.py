"""Options that every command shares: days, and names that must be known."""

from __future__ import annotations

import pytest
import typer

from metrics_lake.cli import options
from tests.unit.drawing import day


def test_days_are_all_from_the_first_to_the_last():
    assert options.days("2001-02-27", "2001-03-01") == (day("2001-02-27"), day("2001-02-28"), day("2001-03-01"))
    assert options.days("2001-01-15", "2001-01-15") == (day("2001-01-15"),)


def test_without_days_there_are_none():
    assert options.days(None, None) == ()


@pytest.mark.parametrize(("first", "last"), [("2001-01-15", None), (None, "2001-01-15")])
def test_one_end_of_a_range_alone_is_wrong_usage(first, last):
    with pytest.raises(typer.BadParameter, match="both --from and --to"):
        options.days(first, last)


def test_a_known_name_passes_and_an_unknown_one_is_answered_with_the_nearest():
    options.known("b", ("a", "b"), "--x")
    options.known(None, ("a", "b"), "--x")
    with pytest.raises(typer.BadParameter, match=r"there is no 'alphax'; nearest: alpha \(all: alpha, beta\)"):
        options.known("alphax", ("alpha", "beta"), "--x")
