"""Values that few share are folded, also where a total and its parts would give them away; and any shares add up."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.gold import dimensions_by_period
from metrics_lake.gold.parts import Share
from metrics_lake.model.periods import Calendar
from tests.unit.drawing import day
from tests.unit.examples import examples
from tests.unit.gold.drawn import sessions

PERIODS = [Calendar().day(day("2001-01-15")), Calendar().week(day("2001-01-15"))]


def _shown(listeners: dict[str, list[str]], minimum_group: int, shares: int = 1) -> dict[str, tuple[int, int]]:
    """Of each source that is shown: unique listeners and sessions, given the sources of each listener."""
    parts = []
    for number in range(shares):
        mine = [(who, source) for n, (who, of) in enumerate(listeners.items()) if n % shares == number for source in of]
        drawn = [sessions([(who, "live", 60, 60)], source=source) for who, source in mine]
        if drawn:
            parts.append(dimensions_by_period.share(Share(pl.concat(drawn), Calendar(), PERIODS)))
    frames = [pl.concat(each).with_columns(tenant=pl.lit("p")) for each in zip(*parts, strict=True)]
    got = dimensions_by_period.compute(frames, minimum_group)
    rows = got.filter(dimension="source", stream="*", kind="week")
    return {
        row["dimension_value"]: (row["unique_listeners"], row["sessions_started"]) for row in rows.iter_rows(named=True)
    }


def _people(sources: dict[str, int]) -> dict[str, list[str]]:
    return {f"{source}{n}": [source] for source, count in sources.items() for n in range(count)}


def test_a_value_that_few_share_stands_under_other():
    assert _shown(_people({"a": 9, "b": 3, "c": 2}), 5) == {"a": (9, 9), "(other)": (5, 5)}


def test_a_lone_small_value_takes_the_next_one_with_it():
    assert _shown(_people({"a": 9, "b": 6, "c": 1}), 5) == {"a": (9, 9), "(other)": (7, 7)}


def test_nothing_is_folded_where_all_are_large_enough():
    assert _shown(_people({"a": 9, "b": 5}), 5) == {"a": (9, 9), "b": (5, 5)}


def test_a_listener_with_two_folded_values_is_one_of_the_others():
    both = {"x": ["b", "c"], "y": ["b"], "z": ["c"], "v": ["a", "b"]}
    assert _shown(_people({"a": 9}) | both, 5) == {"a": (10, 10), "(other)": (4, 5)}


@settings(max_examples=examples(15))
@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True), min_size=1, max_size=30))
def test_shares_of_the_listeners_add_up_to_the_whole(sources):
    listeners = {f"l{n}": of for n, of in enumerate(sources)}
    assert _shown(listeners, 5, shares=3) == _shown(listeners, 5)


@settings(max_examples=examples(15))
@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True), min_size=1, max_size=30))
def test_each_value_has_the_listeners_that_a_plain_count_finds(sources):
    listeners = {f"l{n}": of for n, of in enumerate(sources)}
    plain = {source: sum(source in of for of in sources) for source in {each for of in sources for each in of}}
    assert _shown(listeners, 1) == {source: (number, number) for source, number in plain.items()}
