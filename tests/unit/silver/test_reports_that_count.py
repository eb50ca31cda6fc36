"""Which report of an app's day counts, however the reports came."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from metrics_lake.silver import downloads, reports_that_count
from tests.unit.examples import examples
from tests.unit.silver.landed_reports import NEW, OLD, Report, apple, bronze, frames, google, totals

STAMPED = "S_D_85000001_20010115.2001011{}T000000Z.txt"
BOTH = [("acme", "apple", "1", OLD), ("acme", "apple", "1", NEW)]


def test_two_vendors_reports_of_one_app_add_up_on_the_day_of_its_transfer() -> None:
    before, after = apple(("1", 5, "US")), apple(("1", 3, "US"), vendor=NEW, minute=1)
    for runs in ([[before, after]], [[before], [after]], [[after], [before]]):
        assert totals(*runs) == {("1", 15): 8, ("2", 15): 0}


def test_a_vendor_s_correction_replaces_its_own_report_and_no_other_s() -> None:
    reports = [apple(("1", 5, "US")), apple(("1", 3, "US"), vendor=NEW), apple(("1", 4, "US"), name="b/S_D_85000001_20010115.txt", minute=9)]  # fmt: skip
    assert totals(reports)["1", 15] == 7


def test_silence_is_zero_only_where_all_vendors_of_an_app_have_reported() -> None:
    first, second = apple(("7", 1, "US")), apple(("7", 1, "US"), vendor=NEW)
    assert totals([first], apps=BOTH) == {}
    assert totals([first, second], apps=BOTH) == {("1", 15): 0}


def test_a_row_that_cannot_be_read_is_never_a_zero() -> None:
    torn = apple(("1", "five", "US"), ("2", 3, "US"))
    assert totals([torn]) == {("2", 15): 3}


def test_a_report_with_an_unreadable_row_leaves_the_older_whole_one_standing_for_that_app_alone() -> None:
    whole = apple(("1", 6, "US"), ("2", 3, "US"))
    torn = apple(("1", "five", "US"), ("1", 2, "GB"), ("2", 4, "US"), name="b/S_D_85000001_20010115.txt", minute=1)
    for runs in ([[whole, torn]], [[torn], [whole]], [[whole], [torn]]):
        assert totals(*runs) == {("1", 15): 6, ("2", 15): 4}


def test_a_day_of_which_only_a_part_can_be_read_is_published_as_partial() -> None:
    assert totals([apple(("1", "five", "US"), ("1", 2, "GB"))]) == {("1", 15): (2, "partial")}
    told = totals([google("15,ZA,7", "15,DE,many", "16,ZA,1", of="country")])
    assert told == {("com.a", 15): (7, "partial"), ("com.a", 16): 1}
    assert totals([google("15,9"), google("15,ZA,7", "15,DE,many", of="country")]) == {("com.a", 15): 9}


def test_a_row_without_an_app_may_be_of_any_of_the_report_s_apps() -> None:
    older = apple(("1", 6, "US"), name="a/S_D_85000001_20010115.txt")
    newer = apple(("1", 7, "US"), ("", 2, "US"), minute=1)
    assert totals([newer]) == {("1", 15): (7, "partial")} and totals([newer, older]) == {("1", 15): 6}


def test_a_stamp_in_the_name_tells_which_report_is_newer_and_else_when_its_content_was_first_seen() -> None:
    old, new = apple(("1", 5, "US"), name=STAMPED.format(6), minute=9), apple(("1", 7, "US"), name=STAMPED.format(7))
    assert totals([new], [old]) == totals([old, new]) == {("1", 15): 7}
    first, second = apple(("1", 5, "US"), minute=1), apple(("1", 7, "US"), name="b/S_D_85000001_20010115.txt", minute=2)
    copy = apple(("1", 5, "US"), name="c/S_D_85000001_20010115.txt", minute=3)
    assert totals([first], [second], [copy]) == totals([copy, second, first]) == {("1", 15): 7}


def test_of_one_path_the_later_arrival_counts_and_keeps_the_days_that_it_does_not_speak_of() -> None:
    assert totals([google("15,5", "16,6", minute=9)], [google("16,7")]) == {("com.a", 15): 5, ("com.a", 16): 7}


def test_of_equal_times_the_content_decides_and_not_the_order() -> None:
    one, other = google("15,7"), google("15,8", name="b/installs_com.a_200101_overview.csv")
    assert totals([one], [other]) == totals([other], [one]) == totals([one, other])


def test_a_copy_without_the_vendor_in_its_name_does_not_outlive_the_vendor_s_correction() -> None:
    first, copy = apple(("1", 5, "US")), apple(("1", 5, "US"), name="copy.txt", minute=5)
    correction = apple(("2", 1, "US"), name="b/S_D_85000001_20010115.txt", minute=3)
    assert totals([first, copy, correction]) == {("1", 15): 0, ("2", 15): 1}
    assert totals([first, copy], apps=BOTH) == {("1", 15): 5}


def test_a_newsstand_report_never_replaces_a_sales_report() -> None:
    newsstand = apple(("1", 1, "US"), name="N_D_85000001_20010115.txt", minute=9)
    assert totals([apple(("1", 5, "US")), newsstand]) == {("1", 15): 5}
    account = bronze([[newsstand]]).to_dicts()
    assert [(row["status"], row["reason"]) for row in account] == [("quarantined", "not_a_sales_report")]


def test_sums_beyond_64_bits_are_unknown_and_do_not_wrap() -> None:
    most = 2**63 - 1
    assert totals([apple(("1", most, "US"))]) == {("1", 15): most}
    assert totals([apple(("1", most, "US"), ("1", most, "GB"))]) == {("1", 15): (None, "partial")}


def test_reports_that_an_older_version_read_count_as_they_did() -> None:
    held = bronze([[google("15,7", "16,8"), apple(("1", 5, "US"))]])
    news = ["is_stamped", "doubled_count", "is_unended", "user_installs", "install_events", "device_installs"]
    older = held.with_columns(pl.lit(None, held.schema[name]).alias(name) for name in news)
    apps = pl.DataFrame([("acme", "google", "com.a", None), *BOTH[:1]], downloads.APPS, orient="row")
    assert_frame_equal(downloads.refine(older, apps), downloads.refine(held, apps))


def test_a_report_that_counts_and_is_gone_from_landing_is_named_and_one_that_was_replaced_is_not() -> None:
    runs = [[google("15,5", "16,6")], [google("16,7")], [apple(("1", 5, "US"))], [apple(("1", 6, "US"))]]
    apps = pl.DataFrame(BOTH, downloads.APPS, orient="row")
    found = reports_that_count.counting(bronze(runs), apps)
    held = {(each.path, each.entry.file_id) for run in runs[1:] for each in run}
    assert reports_that_count.lost(found, held) == ["google_play/installs_com.a_200101_overview.csv"]
    assert reports_that_count.lost(found, held | {(runs[0][0].path, runs[0][0].entry.file_id)}) == []


# --- any order, split and repetition ---------------------------------------------------------------------------------

_APPLE_ROW = st.tuples(
    st.sampled_from(["1", "2", "", "9"]), st.sampled_from([1, 2, -1, "five"]), st.sampled_from(["US", "GB", "*"])
)
_UNITS = st.lists(_APPLE_ROW, max_size=3)
_NAMES = ["S_D_85000001_20010115.txt", "S_D_85000002_20010115.txt", "N_D_85000001_20010115.txt", "copy.txt", STAMPED.format(6), STAMPED.format(7)]  # fmt: skip
_CELL = st.sampled_from(["", "0", "1", "2", "many"])


@st.composite
def _report(draw: st.DrawFn) -> Report:
    minute = draw(st.integers(0, 3))
    folder = draw(st.sampled_from("abc"))
    if draw(st.booleans()):
        name = f"{folder}/{draw(st.sampled_from(_NAMES))}"
        return apple(*draw(_UNITS), name=name, minute=minute)
    of = draw(st.sampled_from(["overview", "country"]))
    place = ",ZA" if of == "country" else ""
    columns = "Daily User Installs,Install events"
    rows = [f"{day}{place},{draw(_CELL)},{draw(_CELL)}" for day in draw(st.sets(st.sampled_from(["15", "16"])))]
    head = f"Country,{columns}" if place else columns
    return google(*rows, of=of, name=f"{folder}/installs_com.a_200101_{of}.csv", minute=minute, head=head)


@st.composite
def _dealt(draw: st.DrawFn) -> tuple[list[Report], list[list[Report]]]:
    """Reports of different paths, and the same in some order over some runs, a few of them again and as copies."""
    reports = list({each.path: each for each in draw(st.lists(_report(), max_size=7))}.values())
    again = [each for each in reports if draw(st.booleans())]
    copies = [Report(f"{each.path.replace('/', '/copied/', 1)}", each.content, 9) for each in again]
    order = draw(st.permutations([*reports, *again, *copies]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=3)))
    bounds = [0, *cuts, len(order)]
    return reports, [list(order[start:end]) for start, end in zip(bounds, bounds[1:], strict=False)]


@settings(max_examples=examples(12), deadline=None)
@given(_dealt())
def test_any_order_split_repetition_and_copy_of_reports_gives_the_same_tables(
    dealt: tuple[list[Report], list[list[Report]]],
) -> None:
    reports, runs = dealt
    for once, anyhow in zip(frames([reports]), frames(runs), strict=True):
        assert_frame_equal(once, anyhow)


@settings(max_examples=examples(6), deadline=None)
@given(_UNITS, _UNITS)
def test_the_reports_of_two_vendors_add_up_whatever_they_say(first: Sequence[tuple[str, int, str]], second: Sequence[tuple[str, int, str]]) -> None:  # fmt: skip
    def readable(rows: Sequence[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
        return list(dict.fromkeys(row for row in rows if row[0] and row[1] != "five" and row[2] != "*"))

    one, other = readable(first), readable(second)
    found = totals([apple(*one), apple(*other, vendor=NEW)], apps=BOTH)
    assert found["1", 15] == sum(units for app, units, _ in [*one, *other] if app == "1")


@pytest.mark.parametrize("units", ["9223372036854775808", "11/21", "1,2,3"])
def test_units_that_are_no_number_of_64_bits_are_a_reject(units: str) -> None:
    rejects = bronze([[apple(("1", units, "US"), ("2", 1, "US"))]]).filter(pl.col("row_kind") == "reject")
    assert rejects["reason"].to_list() == ["units_no_number"]
