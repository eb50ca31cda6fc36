"""Values that few share are folded, also where a total and its parts would give them away."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from metrics_lake.gold import dimensions_by_day, dimensions_by_period, listeners_by_day, listening_by_period

ON = date(2001, 1, 15)
PERIOD = [("p", "day", "2001-01-15", ON, date(2001, 1, 16))]


def _shown(spark: SparkSession, sources: dict[str, int], minimum_group: int) -> dict[str, tuple[int, int]]:
    """Of each source that is shown: unique listeners and sessions, given how many listeners each source has."""
    people = [(source, f"{source}{n}") for source, count in sources.items() for n in range(count)]
    listeners = [(ON, "p", "live", "live", who, source, "VLC", "Linux", "desktop", "ZA", 1) for source, who in people]
    columns = ("country", "device", "os", "player", "source", "stream")
    values = {"country": "ZA", "device": "desktop", "os": "Linux", "player": "VLC", "stream": "live"}
    days = [(ON, "p", "live", name, values.get(name, source), 1, 60.0, 1) for source, _ in people for name in columns]
    got = dimensions_by_period.compute(
        spark.createDataFrame(listeners, listeners_by_day.TABLE.ddl),
        spark.createDataFrame(days, dimensions_by_day.TABLE.ddl),
        spark.createDataFrame(PERIOD, listening_by_period.PERIODS),
        minimum_group=minimum_group,
    )
    rows = got.where("dimension = 'source'").collect()
    return {row.dimension_value: (row.unique_listeners, row.sessions_started) for row in rows}


def test_a_value_that_few_share_stands_under_other(spark: SparkSession) -> None:
    assert _shown(spark, {"a": 9, "b": 3, "c": 2}, 5) == {"a": (9, 9), "(other)": (5, 5)}


def test_a_lone_small_value_takes_the_next_one_with_it(spark: SparkSession) -> None:
    assert _shown(spark, {"a": 9, "b": 6, "c": 1}, 5) == {"a": (9, 9), "(other)": (7, 7)}


def test_nothing_is_folded_where_all_are_large_enough(spark: SparkSession) -> None:
    assert _shown(spark, {"a": 9, "b": 5}, 5) == {"a": (9, 9), "b": (5, 5)}
