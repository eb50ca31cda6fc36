"""What is said of app downloads: documents by country, sums over any days, and what stays unknown."""

from __future__ import annotations

import jsonschema
import pytest

from metrics_lake.config.tenants import App
from metrics_lake.serve import downloads
from metrics_lake.serve.rollup import downloads_section, rollup
from tests.unit.drawing import day, rows

APPLE = App(store="apple", id="1", name="Acme")
GOOGLE = App(store="google", id="com.a", name="Acme")
DRAWN = """
    downloaded_on | app   | country | device | downloads | redownloads | updates | uninstalls | active_devices
    2001-01-15    | 1     |         |        | 8         | 1           | 9       |            |
    2001-01-15    | 1     | ZA      |        | 6         | 1           | 0       |            |
    2001-01-15    | 1     | DE      |        | 2         | 0           | 9       |            |
    2001-01-15    | 1     |         | iPhone | 7         | 1           | 9       |            |
    2001-01-15    | 1     |         | iPad   | 1         | 0           | 0       |            |
    2001-01-15    | 1     | ZA      | iPhone | 6         | 1           | 0       |            |
    2001-01-15    | com.a |         |        | 10        |             | 4       | 3          | 400
    2001-01-15    | com.a |         | a52    | 0         |             | 0       | 0          | 9
    2001-01-16    | com.a |         |        | 0         |             | 0       | 0          | 390
    2001-01-18    | 1     |         |        |           | 1           | 0       |            |
    """


def gold(drawn: str = DRAWN):
    made = rows(drawn)
    for row in made:
        row["app"] = str(row["app"])
        row.update(
            tenant="acme", store="apple" if row["app"] == "1" else "google", downloads_from="units", is_summed=False
        )
        row["country"], row["device"] = row.get("country") or "*", row.get("device") or "*"
    return made


@pytest.fixture
def held():
    return downloads.documents(gold())


def ask(held, by="day", first="2001-01-15", last="2001-01-18"):
    return downloads.answer("acme", [APPLE, GOOGLE], held, day(first), day(last), by)


def test_a_document_is_an_app_s_day_in_a_country_with_the_devices_that_had_downloads(held):
    by_id = {document["id"]: document for document in held}
    assert list(by_id) == [
        "apple:1:2001-01-15:*", "apple:1:2001-01-15:ZA", "apple:1:2001-01-15:DE", "google:com.a:2001-01-15:*",
        "google:com.a:2001-01-16:*", "apple:1:2001-01-18:*",
    ]  # fmt: skip
    assert by_id["apple:1:2001-01-15:*"]["devices"] == {"iPad": 1, "iPhone": 7}
    assert by_id["apple:1:2001-01-15:ZA"]["devices"] == {"iPhone": 6}
    assert by_id["google:com.a:2001-01-15:*"]["devices"] == {}
    assert by_id["google:com.a:2001-01-15:*"]["redownloads"] is None


def test_a_range_of_ids_holds_just_the_days_of_one_app(held):
    low, high = downloads.ids_between("apple", "1", "2001-01-15", "2001-01-17")
    assert [d["id"] for d in held if low <= d["id"] <= high] == [
        "apple:1:2001-01-15:*", "apple:1:2001-01-15:ZA", "apple:1:2001-01-15:DE",
    ]  # fmt: skip


def test_a_total_is_the_sum_over_days_and_stores_but_of_devices_in_use_the_last_that_are_known(held):
    assert ask(held).total == {
        "downloads": 18, "redownloads": 2, "updates": 13, "uninstalls": 3, "active_devices": 390,
    }  # fmt: skip


def test_a_day_that_nobody_reported_is_unknown_and_a_day_without_downloads_is_zero(held):
    found = {bucket["start"]: (bucket["downloads"], bucket["unknown"]) for bucket in ask(held).buckets}
    assert found == {
        "2001-01-15": (18, []), "2001-01-16": (0, ["apple:1"]), "2001-01-17": (None, ["apple:1", "google:com.a"]),
        "2001-01-18": (None, ["google:com.a"]),
    }  # fmt: skip
    assert ask(held).unknown == {
        "apple:1": ["2001-01-16", "2001-01-17"],
        "google:com.a": ["2001-01-17", "2001-01-18"],
    }


@pytest.mark.parametrize(("by", "wanted"), [
    ("store", [("google", 10), ("apple", 8)]), ("app", [("google:com.a", 10), ("apple:1", 8)]),
    ("country", [("ZA", 6), ("DE", 2)]),
])  # fmt: skip
def test_a_range_may_be_told_by_store_app_or_country_the_most_first(held, by, wanted):
    assert [(bucket["value"], bucket["downloads"]) for bucket in ask(held, by).buckets] == wanted


def test_a_document_is_written_again_only_where_it_changed_and_a_number_raises_its_revision(held):
    first = downloads.revised(held[0], None)
    assert first["revision"] == 1 and downloads.revised(held[0], first) is None
    assert downloads.revised({**held[0], "downloads": 9}, first)["revision"] == 2
    assert downloads.revised({**held[0], "is_summed": True}, first)["revision"] == 1


DAYS = [day(f"2001-01-{number}") for number in (15, 16, 17)]


def test_a_rollup_s_section_adds_up_and_fits_the_schema(held):
    section = downloads_section.of_days([APPLE, GOOGLE], [d for d in held if d["date"] <= "2001-01-17"], DAYS)
    assert section["summary"]["downloads"] == sum(number["downloads"] for number in section["numbers"]) == 18
    assert sum(bucket["downloads"] for bucket in section["by_store"]) == 18
    assert (section["summary"]["days_reported"], section["summary"]["days_unknown"]) == (1, 2)
    assert [number["start"] for number in section["numbers"]] == ["2001-01-15", "2001-01-16"]
    assert section["by_device"] == [{"value": "iPhone", "downloads": 7}, {"value": "iPad", "downloads": 1}]
    jsonschema.Draft202012Validator(rollup.schema()["properties"]["downloads"]).validate(section)


def test_a_period_without_a_report_has_no_section(held):
    assert downloads_section.of_days([APPLE, GOOGLE], [], DAYS) is None


def test_beyond_the_first_hundred_devices_are_one_row():
    drawn = "downloaded_on | app | device | downloads\n2001-01-15 | com.a | | 300"
    many = gold(drawn + "".join(f"\n2001-01-15 | com.a | d{number:03d} | 2" for number in range(150)))
    for row in many:
        row.update(dict.fromkeys(downloads.FIGURES[1:]))
    section = downloads_section.of_days([GOOGLE], downloads.documents(many), DAYS)
    assert len(section["by_device"]) == 101 and section["by_device"][-1] == {"value": "(other)", "downloads": 100}


def _told(on: str, source: str, **more: object) -> dict[str, object]:
    figures = dict.fromkeys(downloads.FIGURES, 1)
    return {"store": "google", "app": "com.a", "country": "*", "date": on, "devices": {}, "downloads_from": source, **figures, **more}  # fmt: skip


def test_answers_name_what_downloads_were_taken_from_and_where_a_range_mixes_two_and_which_days_lack_a_row() -> None:
    app = App(store="google", id="com.a", name="A")
    held = [_told("2001-01-15", "daily user installs"), _told("2001-01-16", "install events", partial=True)]
    days = day("2001-01-15"), day("2001-01-16")
    found = downloads.answer("acme", [app], held, *days, "day")
    runs = [
        {"from": "daily user installs", "first_on": "2001-01-15", "last_on": "2001-01-15"},
        {"from": "install events", "first_on": "2001-01-16", "last_on": "2001-01-16"},
    ]
    assert found.partial == {"google:com.a": ["2001-01-16"]} and found.downloads_from == {"google:com.a": runs}
    section = downloads_section.of_days([app], held, days)
    assert section and [each.get("partial") for each in section["numbers"]] == [None, True]
    assert section["downloads_from"] == {"google:com.a": runs}


@pytest.mark.parametrize("country", ["*", "ZZ", "~", "Österreich", "南アフリカ", "🇿🇦"])
def test_a_country_of_any_letters_is_in_the_range_of_its_day_the_last_one_too(country):
    def id_of(on: str) -> str:
        row = {"store": "apple", "app": "1", "downloaded_on": day(on), "country": country}
        return downloads._id(row)

    low, high = downloads.ids_between("apple", "1", "2001-01-15", "2001-01-16")
    assert low <= id_of("2001-01-15") <= high and low <= id_of("2001-01-16") <= high
    assert not low <= id_of("2001-01-14") <= high and not low <= id_of("2001-01-17") <= high
