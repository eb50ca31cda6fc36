"""The cells of a report that are accepted, and those that are rejects."""

from __future__ import annotations

import polars as pl
import pytest

from metrics_lake.sources.stores.raw_table import parse_table
from tests.rules.reading import ROOT
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


@pytest.mark.parametrize(("country", "reason"), [("*", ["no_country"]), ("12", ["no_country"]), ("Côte d'Ivoire", []), ("", []), ("NA", []), ("na", []), ("-", ["no_country"])])  # fmt: skip
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


NAMIBIA = ROOT / "tests" / "golden" / "cases" / "01-namibia"


@pytest.mark.parametrize(("folder", "countries"), [(".", ["NA", "ZA"]), ("b", ["NA", "ZA", "ZZ"])])
def test_namibia_is_a_country_beside_a_blank_one(folder: str, countries: list[str]) -> None:
    [path] = (NAMIBIA / folder / "google_play").iterdir()
    rows = bronze([[Report(f"google_play/{path.name}", path.read_bytes().decode("utf-16"))]])
    [account] = rows.filter(pl.col("row_kind") == "file").to_dicts()
    assert (account["status"], account["reject_count"]) == ("read", 0)
    assert sorted(rows["country"].drop_nulls().unique()) == countries
    namibia = rows.filter(country="NA").sort("downloaded_on")
    assert namibia["downloads"].to_list() == [12, 9]


@pytest.mark.parametrize("word", ["NA", "na", "None", "null", "N/A"])
def test_a_word_for_absent_is_a_name_in_a_column_of_names_and_absent_in_one_of_numbers(word: str) -> None:
    rows = bronze([[google(f"15,{word},7", "15,,1", of="device")]])
    assert set(rows.filter(row_kind="google_play")["device"]) == {word, None}
    assert _account(google(f"15,{word}", "16,8"))["skipped_count"] == 1


@pytest.mark.parametrize("code", ["NA", "na"])
def test_apple_s_namibia_is_a_country_too(code: str) -> None:
    rows = bronze([[apple(("1", 5, code), ("1", 6, "ZA"), ("1", 7, ""))]])
    assert sorted(rows.filter(row_kind="app_store")["country"]) == ["NA", "ZA", "ZZ"]


@pytest.mark.parametrize("number", ["9223372036854775808", "1e30", "12a"])
def test_a_number_beyond_64_bits_or_none_is_a_reject_and_never_a_zero(number: str) -> None:
    assert _account(google(f"15,{number}", "16,8"))["reasons"] == ["figure_no_number"]


def test_a_row_of_google_s_that_stands_twice_word_for_word_counts_once_and_one_that_differs_puts_the_file_aside() -> (
    None
):
    assert _account(google("15,7", "15,7", "16,8"))["doubled_count"] == 1
    assert _account(google("15,7", "15,9"))["reason"] == "several_rows_a_day"
