"""The cells of a report that are accepted, and those that are rejects."""

from __future__ import annotations

import polars as pl
import pytest

from metrics_lake.sources.stores.raw_table import parse_table
from tests.unit.silver.landed_reports import Report, apple, bronze, google


def _account(report: Report) -> dict[str, object]:
    rows = bronze([[report]])
    account = rows.filter(pl.col("row_kind") == "file").to_dicts()[0]
    return {**account, "reasons": rows.filter(pl.col("row_kind") == "reject")["reason"].to_list()}


def test_a_row_with_more_cells_than_the_header_is_a_reject_and_not_read_by_its_place() -> None:
    account = _account(google("15,204", "16,1,204"))
    assert (account["accepted_count"], account["unclaimed_count"], account["reasons"]) == (0, 1, ["too_many_cells"])


def test_blank_cells_behind_a_row_of_tabs_are_none_and_behind_commas_may_be_a_number_that_came_apart() -> None:
    assert not parse_table("a\tb\n1\t2\t\n").frame["is_too_wide"].any()
    assert parse_table("a,b\n1,204,\n").frame["is_too_wide"].all()


@pytest.mark.parametrize("day", ["11/21/26", "26-11-21", "1/2/3"])
def test_a_day_whose_year_has_not_four_digits_is_no_day(day: str) -> None:
    report = apple(("1", 5, "US"), ("1", 6, "US"))
    torn = Report(report.path, report.content.replace("01/15/2001", day, 1))
    assert _account(torn)["reasons"] == ["no_day"]


@pytest.mark.parametrize(("country", "reason"), [("*", ["no_country"]), ("12", ["no_country"]), ("Côte d'Ivoire", []), ("", [])])  # fmt: skip
def test_a_country_that_is_no_word_is_a_reject_and_a_blank_one_is_not(country: str, reason: list[str]) -> None:
    assert _account(apple(("1", 5, country), ("1", 6, "US")))["reasons"] == reason


def test_a_star_for_a_device_does_not_pass_for_all_devices() -> None:
    assert _account(google("15,*,7", "15,a52,1", of="device"))["reasons"] == ["no_device"]


def test_rows_that_repeat_another_word_for_word_count_once_and_are_counted() -> None:
    row = ("1", 5, "US")
    account = _account(apple(row, row, ("1", 5, "GB"), row))
    assert (account["row_count"], account["skipped_count"], account["doubled_count"]) == (4, 2, 2)


def test_a_last_line_without_a_line_end_is_read_and_marked() -> None:
    whole = google("15,7", "16,8")
    cut = Report(whole.path, whole.content[:-1])
    assert [_account(report)["is_unended"] for report in (whole, cut)] == [False, True]
    assert _account(cut)["row_count"] == 2 and _account(cut)["status"] == "read"


@pytest.mark.parametrize("package", ["fm.radio_100500_live.app", "fm.radio_200102_live.app"])
def test_digits_in_the_name_of_a_package_are_not_its_month(package: str) -> None:
    usual = google("15,7")
    for name in (f"installs_{package}_200101_overview.csv", f"installs_{package}_200101_overview.20010117T050000Z.csv"):
        account = _account(Report(f"google_play/{name}", usual.content.replace("com.a", package)))
        assert (account["status"], account["unclaimed_count"]) == ("read", 1)
