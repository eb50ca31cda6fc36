"""The calendars of all tenants together."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.model.calendars import Calendars, Named
from metrics_lake.model.periods import Calendar
from tests.unit.drawing import day
from tests.unit.model.test_periods import CALENDARS, DAYS

DAY = timedelta(days=1)
TWO = Calendars({"east": Calendar("Asia/Tokyo"), "west": Calendar("America/New_York")})


@given(st.lists(DAYS, min_size=1, max_size=5))
def test_all_days_of_all_tenants_lie_between_the_bounds(days):
    low, high = TWO.bounds(days)
    edges = [calendar.day_start(on + n * DAY) for calendar in TWO.by_tenant.values() for on in days for n in (0, 1)]
    assert (low, high) == (min(edges), max(edges))


def test_periods_are_those_that_hold_the_days_each_once_with_the_rolling_ones_and_everything():
    days = [day("2001-01-15"), day("2001-01-16")]
    found = TWO.periods("east", days, (day("2001-01-01"), day("2001-01-20")), day("2001-01-20"))
    assert [f"{period.kind}/{period.name}" for period in found] == [
        "day/2001-01-15", "week/2001-W03", "month/2001-01", "year/2001", "day/2001-01-16",
        "rolling/last-7-days", "rolling/last-30-days", "all/all",
    ]  # fmt: skip
    by_name = {period.name: period for period in found}
    assert by_name["last-7-days"].days[-1] == day("2001-01-20")
    assert (by_name["all"].first_on, by_name["all"].end_on) == (day("2001-01-01"), day("2001-01-21"))


def _row(tenant, period):
    return tenant, period.kind, period.name, period.first_on.isoformat(), period.end_on.isoformat()


def _replace(table, named):
    """What compute does to a table of periods: what fits `where` goes, what was made comes."""
    table.execute(f"DELETE FROM held WHERE {named.where}")
    table.executemany("INSERT INTO held VALUES (?, ?, ?, ?, ?)", [_row(*each) for each in named.tenant_periods])


@given(
    st.dictionaries(st.sampled_from(["acme", "zeta", "o'brien"]), CALENDARS, min_size=1),
    st.lists(st.lists(st.dates(day("2001-03-20"), day("2001-04-20")), min_size=1, max_size=4), min_size=1, max_size=5),
    st.data(),
)
def test_whatever_days_come_in_whatever_order_each_tenant_keeps_just_the_periods_that_hold_them(by_tenant, runs, draw):
    """Of tenants that differ in zone, week, broadcast day, and in the first and the last day of their figures."""
    calendars, table = Calendars(by_tenant), sqlite3.connect(":memory:")
    table.execute("CREATE TABLE held (tenant, kind, name, first_on, end_on)")
    expected: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for days in runs:
        some = draw.draw(st.sets(st.sampled_from(sorted(by_tenant)), min_size=1))
        spans = {tenant: tuple(sorted(draw.draw(st.tuples(DAYS, DAYS)))) for tenant in some}
        last_on = draw.draw(st.dates(day("2001-04-20"), day("2001-04-25")))
        made = {tenant: calendars.periods(tenant, days, spans[tenant], last_on) for tenant in sorted(some)}
        named = Named(made)
        _replace(table, named)
        _replace(table, named)  # doing it again changes nothing
        expected |= {_row(*each)[:3]: _row(*each) for each in named.tenant_periods}
    assert sorted(table.execute("SELECT * FROM held")) == sorted(expected.values())


def test_where_all_periods_are_named_nothing_else_stands():
    table = sqlite3.connect(":memory:")
    table.execute("CREATE TABLE held (tenant, kind, name, first_on, end_on)")
    sunday, monday = Calendar(week_starts="sunday"), Calendar()
    _replace(table, Named({"gone": [monday.day(day("2001-01-14"))], "acme": [monday.week(day("2001-01-14"))]}))
    _replace(table, Named({"acme": [sunday.week(day("2001-01-14"))]}, is_all=True))
    assert [row[:3] for row in table.execute("SELECT * FROM held")] == [("acme", "week", "2001-W03")]


def test_of_no_period_nothing_is_deleted():
    assert Named({}).where == Named({"acme": []}).where == "FALSE"
