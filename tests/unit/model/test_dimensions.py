"""One list of dimensions, from which tables, sessions and gold follow."""

from __future__ import annotations

import polars as pl

from metrics_lake.bronze import haproxy
from metrics_lake.gold import dimensions_by_day, dimensions_by_period
from metrics_lake.gold.parts import Day, Share
from metrics_lake.model import dimensions
from metrics_lake.model.dimensions import DIMENSIONS, NAMES, TRAITS, Dimension, Pick
from metrics_lake.model.periods import Calendar
from metrics_lake.silver import merging, sessions
from tests.unit.gold.drawn import START
from tests.unit.gold.drawn import sessions as drawn_sessions


def test_each_dimension_is_read_from_a_column_that_sessions_have():
    assert {dimension.column for dimension in DIMENSIONS} <= set(sessions.TABLE.names)
    assert len(set(NAMES)) == len(NAMES) and all(dimension.meaning for dimension in DIMENSIONS)


def test_what_is_known_of_a_visit_is_carried_into_its_session():
    carried = [trait.column for trait in TRAITS]
    for columns in (haproxy.VISITS.columns, sessions.TABLE.names, merging.READ):
        assert [name for name in columns if name in carried] == carried
    assert sorted(sum((dimensions.columns(pick) for pick in Pick), ())) == sorted(carried)


def test_a_dimension_more_in_the_list_is_in_every_table_of_dimensions(monkeypatch):
    network = Dimension("network", "network", "unknown", True, "Kind of network")
    monkeypatch.setattr(dimensions, "DIMENSIONS", (*DIMENSIONS, network))
    monkeypatch.setattr(dimensions, "NAMES", (*NAMES, "network"))
    drawn = drawn_sessions([("a", "live", 60, 60), ("b", "live", 90, 60)])
    rows = drawn.with_columns(network=pl.Series(["hosting", None]))
    by_day = dimensions_by_day.compute(Day(rows, Calendar(), START.date())).filter(dimension="network", stream="*")
    assert by_day.select("dimension_value", "unique_listeners").rows() == [("hosting", 1), ("unknown", 1)]
    _, sums = dimensions_by_period.share(Share(rows, Calendar(), [Calendar().day(START.date())]))
    assert sums.filter(dimension="network", stream="*")["dimension_value"].sort().to_list() == ["hosting", "unknown"]


def test_the_tables_say_which_dimensions_there_are():
    for table in (dimensions_by_day.TABLE, dimensions_by_period.TABLE):
        [column] = [column for column in table.fields if column.name == "dimension"]
        assert column.comment == f"{', '.join(NAMES[:-1])} or {NAMES[-1]}"
