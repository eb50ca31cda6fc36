"""The calendars of all tenants together."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.calendars import Calendars
from metrics_lake.periods import Calendar
from tests.unit.drawing import day
from tests.unit.test_periods import DAYS

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
