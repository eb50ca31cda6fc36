"""Which of Google's columns counts as downloads, for each app and from which day on."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.silver.download_columns import switches
from tests.unit.silver.landed_reports import Report, frames, google

HEAD = "Daily User Installs,Install events"
USERS, EVENTS, DEVICES = "user_installs", "install_events", "device_installs"


def _days(*values: tuple[int | None, int | None]) -> list[tuple[date, tuple[int | None, ...]]]:
    return [(date(2001, 1, 1) + timedelta(place), (*pair, None)) for place, pair in enumerate(values)]


def test_one_column_counts_for_all_files_of_an_app_although_it_is_all_zeros_in_one_of_them() -> None:
    january = google("15,7,9", "16,8,9", head=HEAD)
    february = Report("google_play/installs_com.a_200102_overview.csv", january.content.replace("2001-01-15,com.a,7,9", "2001-02-15,com.a,0,1").replace("2001-01-16,com.a,8,9\n", ""))  # fmt: skip
    country = google("15,ZA,0,2", "16,ZA,0,1", of="country", head=f"Country,{HEAD}")
    silver, _ = frames([[january, february, country]])
    assert silver["downloads_from"].unique().to_list() == ["daily user installs"]
    told = silver.filter(pl.col("country") == "*").sort("downloaded_on")
    assert told["downloads"].to_list() == [7, 8, 0]


def test_a_column_that_died_counts_up_to_its_last_day_and_the_next_one_from_then_on() -> None:
    lived, dead = [(7, 9)] * 10, [(0, 9)] * 5
    assert switches(_days(*lived, *dead)) == [["", USERS], ["2001-01-11", EVENTS]]


def test_a_column_that_came_late_counts_from_its_first_day_on() -> None:
    assert switches(_days(*[(0, 9)] * 5, *[(7, 9)] * 10)) == [["", EVENTS], ["2001-01-06", USERS]]
    assert switches(_days((None, 9), (7, 9))) == [["", EVENTS], ["2001-01-02", USERS]]


def test_a_few_quiet_days_are_zeros_and_no_death() -> None:
    assert switches(_days(*[(1, 2)] * 10, (0, 1), (0, 0), (0, 1))) == [["", USERS]]


def test_a_column_without_any_life_leaves_its_place_to_one_that_has_some() -> None:
    assert switches(_days((0, 3), (0, 0))) == [["", EVENTS]]
    assert switches(_days((0, 0), (0, 0))) == [["", USERS]]


def test_a_blank_day_is_told_by_the_column_that_tells_it() -> None:
    assert switches(_days((5, 6), (None, 4), (5, 6))) == [["", USERS], ["2001-01-02", EVENTS], ["2001-01-03", USERS]]


def test_gold_names_the_column_of_each_day_with_a_switch_between_them() -> None:
    rows = [f"{day:02},{7 if day < 11 else 0},9" for day in range(1, 16)]
    _, gold = frames([[google(*rows, head=HEAD)]])
    told = gold.sort("downloaded_on").select("downloads", "downloads_from").rows()
    assert told == [(7, "daily user installs")] * 10 + [(9, "install events")] * 5


def test_a_figure_that_the_overview_leaves_blank_is_summed_from_its_countries() -> None:
    overview = google("15,,,100", head=f"{HEAD},Active Device Installs")
    countries = google("15,US,4,5,60", "15,GB,2,2,40", of="country", head=f"Country,{HEAD},Active Device Installs")
    gold = frames([[overview, countries]])[1].filter(pl.col("country") == "*")
    assert gold.select("downloads", "active_devices", "downloads_from", "is_summed", "is_partial").rows() == [
        (6, 100, "daily user installs", True, False)
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(*[st.one_of(st.none(), st.integers(0, 3))] * 3), min_size=1, max_size=12))
def test_a_choice_never_leaves_a_day_unknown_that_a_column_tells(values: list[tuple[int | None, ...]]) -> None:
    days = [(date(2001, 1, 1) + timedelta(place), each) for place, each in enumerate(values)]
    runs = switches(days)
    for on, told in days:
        column = [name for since, name in runs if since <= on.isoformat()][-1]
        number = told[(USERS, EVENTS, DEVICES).index(column)]
        assert number is not None or all(each is None for each in told)
