"""A day's listeners by value: as a number, and as sketches that days can be united by."""

from __future__ import annotations

import polars as pl
from datasketches import compact_theta_sketch, theta_union

from metrics_lake.gold import dimensions_by_day
from metrics_lake.gold.parts import Day
from metrics_lake.model.periods import Calendar
from tests.unit.gold.drawn import START, sessions


def of_a_day(drawn, **columns) -> pl.DataFrame:
    return dimensions_by_day.compute(Day(sessions(drawn, **columns), Calendar(), START.date()))


def of_player(rows: pl.DataFrame, stream: str = "*"):
    [row] = rows.filter(pl.col("dimension") == "player", pl.col("stream") == stream).rows(named=True)
    return row


def test_a_value_s_sketch_holds_its_listeners_once_each_however_often_they_came():
    row = of_player(of_a_day([("a", "live", 0, 60), ("a", "fm", 100, 60), ("b", "fm", 0, 60)], player="VLC"))
    assert (row["dimension_value"], row["unique_listeners"]) == ("VLC", 2)
    assert compact_theta_sketch.deserialize(row["unique_sketch"]).get_estimate() == 2


def test_values_of_several_days_and_streams_are_united_by_their_sketches():
    first = of_player(of_a_day([("a", "live", 0, 60), ("b", "live", 0, 60)], player="VLC"), "live")
    second = of_player(of_a_day([("b", "fm", 0, 60), ("c", "fm", 0, 60)], player="VLC"), "fm")
    union = theta_union(12)
    for row in (first, second):
        union.update(compact_theta_sketch.deserialize(row["unique_sketch"]))
    assert union.get_result().get_estimate() == 3


def test_every_row_has_a_sketch_of_as_many_as_it_counts():
    drawn = [(f"{number:032x}", ("live", "fm")[number % 2], number, 60) for number in range(300)]
    rows = of_a_day(drawn, player="VLC", country="ZA")
    held = [compact_theta_sketch.deserialize(each).get_estimate() for each in rows["unique_sketch"]]
    assert held == rows["unique_listeners"].to_list() and rows.height > 10
