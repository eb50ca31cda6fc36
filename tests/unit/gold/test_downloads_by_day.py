"""From reports as they arrived to downloads by day: which file counts, what is a total, and what stays unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from metrics_lake.bronze.store_reports import TABLE
from metrics_lake.gold import downloads_by_day
from metrics_lake.model.arrow import arrow_schema, fitted
from metrics_lake.silver import downloads
from tests.unit.drawing import rows

APPS = [("acme", "apple", "1", "85"), ("acme", "google", "com.a", None), ("beta", "apple", "2", None)]
Tables = tuple[dict[tuple[Any, ...], Any], dict[tuple[Any, ...], Any]]


def worked_out(drawn: str, *, order: Sequence[int] | None = None) -> Tables:
    """Silver and gold of drawn reports: downloads by (app, day of January, country, device), and gold with is_summed."""
    drawn_rows = rows(drawn)
    filled = [_filled(drawn_rows[place]) for place in order or range(len(drawn_rows))]
    reports = pl.from_arrow(pa.Table.from_pylist(filled, schema=arrow_schema(TABLE)))
    told = downloads.refine(reports, pl.DataFrame(APPS, downloads.APPS, orient="row"))
    gold = downloads_by_day.compute(told)
    for table, frame in ((downloads.TABLE, told), (downloads_by_day.TABLE, gold)):
        assert fitted(frame, arrow_schema(table)).num_rows == frame.height
    assert gold.select(downloads_by_day.KEY).is_duplicated().sum() == 0
    silver = {_key(row): row["downloads"] for row in told.to_dicts()}
    return silver, {_key(row): (row["downloads"], row["is_summed"]) for row in gold.to_dicts()}


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["app"], row["downloaded_on"].day, row["country"], row["device"]


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    store = "google" if str(row["app"]).startswith("com") else "apple"
    kinds = {"apple": "app_store", "google": "google_play"}
    given = {
        "batch_number": 1, "file_id": "f", "path": "p", "store": store, "row_kind": kinds[store] if row["app"] else "file",
        **{name: str(value) if name in ("app", "vendor") and value else value for name, value in row.items()},
    }  # fmt: skip
    return {name: given.get(name) for name in TABLE.names}


APPLE = """
    written_at          | vendor | app | downloaded_on | country | device | product_kind | units
    2001-01-16 17:00:00 | 85     |     | 2001-01-15    |         |        |              |
    2001-01-16 17:00:00 | 85     | 1   | 2001-01-15    | ZA      | iPhone | download     | 5
    2001-01-16 17:00:00 | 85     | 1   | 2001-01-15    | ZA      | iPhone | download     | -2
    2001-01-16 17:00:00 | 85     | 1   | 2001-01-15    | ZA      | iPad   | download     | 1
    2001-01-16 17:00:00 | 85     | 1   | 2001-01-15    | DE      | iPhone | download     | 4
    2001-01-16 17:00:00 | 85     | 1   | 2001-01-15    | DE      | iPhone | update       | 9
    2001-01-16 17:00:00 | 85     | 9   | 2001-01-15    | DE      | iPhone | download     | 77
    2001-01-17 17:00:00 | 85     |     | 2001-01-16    |         |        |              |
    """


def test_refunds_are_taken_off_and_totals_are_sums() -> None:
    silver, gold = worked_out(APPLE)
    of_monday = {key[2:]: number for key, number in silver.items() if key[:2] == ("1", 15)}
    assert of_monday == {("ZA", "iPhone"): 3, ("ZA", "iPad"): 1, ("DE", "iPhone"): 4}
    assert {key[2:]: told for key, told in gold.items() if key[:2] == ("1", 15)} == {
        ("ZA", "iPhone"): (3, False), ("ZA", "iPad"): (1, False), ("DE", "iPhone"): (4, False), ("ZA", "*"): (4, True),
        ("DE", "*"): (4, True), ("*", "iPhone"): (7, True), ("*", "iPad"): (1, True), ("*", "*"): (8, True),
    }  # fmt: skip


def test_a_report_that_is_silent_about_an_app_of_its_vendor_says_zero_and_no_report_says_nothing() -> None:
    silver, gold = worked_out(APPLE)
    assert gold["1", 16, "*", "*"] == (0, False)
    assert not [
        key for key in silver if key[0] == "2" or key[1] > 16
    ]  # whose vendor nobody told, and a day without one


GOOGLE = """
    written_at          | app   | dimension | downloaded_on | country | device | downloads
    2001-01-20 05:00:00 | com.a | overview  | 2001-01-15    |         |        | 10
    2001-01-20 05:00:00 | com.a | country   | 2001-01-15    | ZA      |        | 6
    2001-01-20 05:00:00 | com.a | country   | 2001-01-15    | ZZ      |        | 3
    2001-01-20 05:00:00 | com.a | device    | 2001-01-15    |         | a52    | 8
    2001-01-20 05:00:00 | com.a | device    | 2001-01-15    |         |        | 1
    2001-01-20 05:00:00 | com.a | country   | 2001-01-16    | ZA      |        | 2
    2001-01-20 05:00:00 | com.a | country   | 2001-01-16    | DE      |        |
    2001-01-20 05:00:00 | com.a | device    | 2001-01-16    |         | a52    | 7
    2001-01-20 05:00:00 | com.a | device    | 2001-01-17    |         | a52    | 4
    2001-01-20 05:00:00 | com.a | overview  | 2001-01-18    |         |        |
    """


def test_the_store_s_own_total_wins_over_the_sum_of_its_countries() -> None:
    gold = worked_out(GOOGLE)[1]
    assert gold["com.a", 15, "*", "*"] == (10, False)
    assert gold["com.a", 15, "ZZ", "*"] == (3, False) and gold["com.a", 15, "*", "unknown"] == (1, False)


def test_without_an_overview_countries_are_summed_and_else_devices() -> None:
    gold = worked_out(GOOGLE)[1]
    assert gold["com.a", 16, "*", "*"] == (2, True) and gold["com.a", 17, "*", "*"] == (4, True)


def test_a_figure_that_the_store_leaves_blank_stays_unknown() -> None:
    gold = worked_out(GOOGLE)[1]
    assert gold["com.a", 18, "*", "*"] == (None, False) and gold["com.a", 16, "DE", "*"] == (None, False)


NEWER = """
    written_at          | path | vendor | app   | dimension | downloaded_on | country | device | product_kind | units | downloads
    2001-01-20 05:00:00 | a    |        | com.a | overview  | 2001-01-15    |         |        |              |       | 10
    2001-01-20 05:00:00 | a    |        | com.a | overview  | 2001-01-16    |         |        |              |       | 20
    2001-01-21 05:00:00 | b    |        | com.a | overview  | 2001-01-16    |         |        |              |       | 21
    2001-01-16 17:00:00 | c    | 85     |       |           | 2001-01-15    |         |        |              |       |
    2001-01-16 17:00:00 | c    | 85     | 1     |           | 2001-01-15    | ZA      | iPhone | download     | 5     |
    2001-01-17 17:00:00 | d    | 85     |       |           | 2001-01-15    |         |        |              |       |
    2001-01-17 17:00:00 | d    | 85     | 1     |           | 2001-01-15    | DE      | iPhone | download     | 7     |
    2001-01-18 17:00:00 | e    |        | 1     |           | 2001-01-17    | DE      | iPhone | download     | 2     |
    2001-01-19 17:00:00 | f    | 85     |       |           | 2001-01-17    |         |        |              |       |
    2001-01-19 17:00:00 | f    | 85     | 1     |           | 2001-01-17    | DE      | iPhone | download     | 3     |
    """


def test_a_newer_file_replaces_an_older_one_day_by_day_in_whatever_order_they_came() -> None:
    wanted = {
        ("com.a", 15, "*", "*"): 10, ("com.a", 16, "*", "*"): 21, ("1", 15, "DE", "iPhone"): 7, ("1", 17, "DE", "iPhone"): 3,
    }  # fmt: skip
    assert worked_out(NEWER)[0] == wanted
    assert worked_out(NEWER, order=list(reversed(range(10))))[0] == wanted


def test_the_same_report_twice_counts_once() -> None:
    drawn = APPLE.strip().splitlines()
    again = ["path | " + drawn[0], *(f"{path} | {line}" for path in "ab" for line in drawn[1:])]
    assert worked_out("\n".join(again)) == worked_out(APPLE)


def test_an_app_of_several_vendors_counts_once_and_a_silence_of_one_of_them_is_no_zero(monkeypatch) -> None:
    figures, _ = worked_out(APPLE)
    monkeypatch.setitem(globals(), "APPS", [*APPS, ("acme", "apple", "1", "86")])
    assert worked_out(APPLE)[0] == {key: count for key, count in figures.items() if key != ("1", 16, "*", "*")}
