"""Spark says of every instant the day that Polars and Python say, on each side of every turn of the clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metrics_lake.gold import discovery
from metrics_lake.jobs import partitions, session_columns
from metrics_lake.jobs.over_parts import over_parts
from metrics_lake.model.calendars import Calendars
from metrics_lake.model.periods import Calendar
from metrics_lake.silver import tenant_days
from metrics_lake.silver.sessions import Between
from tests.unit.model.test_periods import ZONES
from tests.unit.silver.test_tenant_days import sessions

DAY, TICK = timedelta(days=1), timedelta(milliseconds=1)
STARTS = ("00:00", "01:30", "02:15")
ALL = {f"{zone} {starts}": Calendar(zone, broadcast_day_starts=starts) for zone in ZONES for starts in STARTS}
FEW = ("Europe/Berlin 02:15", "America/Havana 00:00", "America/St_Johns 01:30", "Asia/Kathmandu 00:00", "Australia/Lord_Howe 02:15",
       "Pacific/Apia 01:30", "Africa/Casablanca 02:15", "Antarctica/Troll 01:30")  # fmt: skip
TURNS = (  # nights of the north, of the south, of Lord Howe, Havana, Apia's skipped day, and two without any change
    date(2001, 3, 25), date(2001, 4, 1), date(2001, 10, 28), date(2001, 10, 14), date(2001, 2, 18), date(2011, 12, 30),
    date(2026, 10, 25), date(2001, 1, 15), date(2004, 2, 29),
)  # fmt: skip


def _instants(clock: Calendar) -> Iterator[datetime]:
    """Just before, at and after the starts of the days around each turn, and every 40 minutes of it."""
    for on in TURNS:
        for start in (clock.day_start(on), clock.day_start(on + DAY)):
            yield from (start - TICK, start, start + TICK, start + timedelta(minutes=35), start - timedelta(minutes=35))
        yield from (clock.day_start(on) + timedelta(minutes=40 * n) for n in range(-6, 42))


@dataclass(frozen=True)
class Drawn:
    """Sessions around the turns of calendars, a tenant for each calendar: in this process and as Spark has them."""

    clocks: dict[str, Calendar]
    here: pl.DataFrame
    there: DataFrame


@pytest.fixture(scope="module", params=[FEW, pytest.param(tuple(ALL), marks=pytest.mark.slow)], ids=["eight", "all"])
def drawn(request: pytest.FixtureRequest, spark: SparkSession) -> Drawn:
    """Of eight calendars, each with clocks of its own kind; and of all with `make slow-test`."""
    clocks = {tenant: ALL[tenant] for tenant in request.param}
    spans = [(tenant, at, at + timedelta(minutes=25)) for tenant, clock in clocks.items() for at in _instants(clock)]
    here = sessions(*spans).with_row_index("number").cast({"number": pl.Int64})
    return Drawn(clocks, here, spark.createDataFrame(here.to_arrow()))


def test_spark_lays_every_session_on_the_days_that_polars_and_the_calendar_lay_it_on(drawn: Drawn) -> None:
    found: dict[int, list[date]] = {}
    for year in {on.year for on in TURNS}:
        days = session_columns.days_touched(drawn.clocks, date(year, 1, 2), date(year + 1, 1, 2)).alias("days")
        found |= {
            row.number: row.days
            for row in drawn.there.where(F.year("started_at") == year).select("number", days).collect()
        }
    for row in tenant_days.with_days(drawn.here, drawn.clocks).iter_rows(named=True):
        clock = drawn.clocks[row["tenant"]]
        assert (row["first_on"], row["last_on"]) == (clock.day_of(row["started_at"]), clock.day_of(row["ended_at"]))
        assert (found[row["number"]][0], found[row["number"]][-1]) == (row["first_on"], row["last_on"]), row


def test_of_a_few_days_spark_lays_on_each_just_the_sessions_that_touch_it(drawn: Drawn) -> None:
    """Sessions from long before those days and long after them are cut to them."""
    wanted = [date(2001, 10, 27), date(2001, 10, 28)]
    each = F.explode(session_columns.days_touched(drawn.clocks, wanted[0], wanted[-1])).alias("on_day")
    found = {
        (row.number, row.on_day)
        for row in drawn.there.select("number", each).where(F.col("on_day").isin(wanted)).collect()
    }
    expected = {
        (row["number"], on)
        for row in tenant_days.with_days(drawn.here, drawn.clocks).iter_rows(named=True)
        for on in wanted
        if row["first_on"] <= on <= row["last_on"]
    }
    assert found == expected and expected


def test_a_session_in_the_hour_that_comes_twice_has_its_figures_by_spark_and_here_alike(spark: SparkSession) -> None:
    calendars = Calendars({"t": Calendar("Europe/London", broadcast_day_starts="01:30")})
    start = datetime.fromisoformat("2026-10-25T01:05:00+00:00")
    row = sessions(("t", start, start + timedelta(minutes=10))).with_columns(
        stream=pl.lit("fm"), listener_id=pl.lit("l"), started_on=pl.lit(start.date()), exclusion=pl.lit(None, pl.String),
        **{name: pl.lit("x") for name in partitions.READ[8:]},
    )  # fmt: skip
    days, edges = [date(2026, 10, 24), date(2026, 10, 25)], (0, 1, 60)
    metrics = discovery.of_grain("day")
    here = partitions.by_day(row, metrics, calendars, days, edges)
    there = partitions.by_day(spark.createDataFrame(row.to_arrow()), metrics, calendars, days, edges)
    assert here["gold.listening_by_day"].select("listened_on", "stream", "listening_seconds").rows() == [
        (days[1], "*", 600.0), (days[1], "fm", 600.0)
    ]  # fmt: skip
    for name, frame in here.items():
        assert there[name].equals(frame), name


def test_both_engines_find_the_same_sessions_between_two_instants(drawn: Drawn, spark: SparkSession) -> None:
    here = drawn.here
    last = pl.col("last_request_at") + pl.when(pl.col("number") % 3 == 0).then(timedelta(minutes=25)).otherwise(
        timedelta()
    )
    rows = here.with_columns(
        started_on=pl.col("started_at").dt.date(), ended_at=pl.when(pl.col("number") % 3 > 0).then("ended_at"), last_request_at=last
    )  # fmt: skip
    there = spark.createDataFrame(rows.to_arrow())
    for on in TURNS:
        start = datetime.combine(on, datetime.min.time(), tzinfo=here["started_at"][0].tzinfo)
        between = Between(start, start + DAY)
        found = {row.number for row in there.where(between.condition(F.col)).select("number").collect()}
        assert found == set(rows.filter(between.expr)["number"]) and 0 < len(found) < rows.height


def test_a_part_s_frames_are_the_same_by_spark_and_in_this_process(drawn: Drawn) -> None:
    here, there = drawn.here, drawn.there

    def compute(key: tuple[str], rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
        return {"count": pl.DataFrame({"tenant": key[0], "rows": rows.height}), "first": rows.sort("number").head(1)}

    [mine, theirs] = (over_parts(rows, ["tenant"], compute) for rows in (here, there))
    assert list(mine) == list(theirs) and all(mine[name].equals(theirs[name]) for name in mine)
    assert mine["count"]["rows"].sum() == here.height
