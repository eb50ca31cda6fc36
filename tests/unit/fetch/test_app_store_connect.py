"""Apple's reports come into landing whole, once, under a key that nobody sees; and a refusal says what to mend."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from metrics_lake.config.store_accounts import AppStore
from metrics_lake.fetch import app_store_connect
from metrics_lake.fetch.ledger import Clock, FetchError
from tests.unit.drawing import day, utc
from tests.unit.fetch.apple import ISSUER, KEY_ID, VENDOR, Apple, new_key, served
from tests.unit.sources.haproxy.logs import InMemoryFile
from tests.unit.sources.reports import parsed

REPORT = (
    "Provider\tSKU  \tProduct Type Identifier\tUnits\tBegin Date\tEnd Date\tCountry Code\tApple Identifier\tDevice\r\n"
    "APPLE\tacme\t1F\t3\t01/15/2001\t01/15/2001\tZA\t1234567890\tiPhone\r\n"
)
NOON = utc("2001-01-17 20:00")  # noon in California
PRIVATE, PUBLIC = new_key()


@dataclass
class Machine:
    """A fetcher's surroundings: a clock that stands but for waiting, Apple, and a landing folder."""

    apple: Apple
    landing: Path
    at: datetime = NOON
    waits: list[float] = field(default_factory=list)
    key: str = PRIVATE
    days: int = 3

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += timedelta(seconds=seconds)

    def fetch(self, *days: date, **settings: str) -> dict[str, str]:
        given = {"vendor": VENDOR, "issuer_id": ISSUER, "key_id": KEY_ID, "url": self.apple.url, "days": self.days}
        store = AppStore.model_validate(given | settings)
        clock = Clock(lambda: self.at, self.wait)
        return {
            each.report[-8:]: each.what
            for each in app_store_connect.fetch(store, self.key, str(self.landing), clock, days)
        }

    def files(self) -> dict[str, str]:
        found = sorted(path for path in self.landing.rglob("*") if path.is_file() and not path.name.startswith("."))
        return {path.relative_to(self.landing).as_posix(): path.read_text() for path in found}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with served(Apple(PUBLIC)) as apple:
        made = Machine(apple, tmp_path / "landing")
        apple.now = lambda: made.at
        apple.reports["2001-01-15"] = REPORT
        yield made


def test_a_report_is_landed_unpacked_and_tidied_under_a_dated_name(machine):
    assert machine.fetch(day("2001-01-15")) == {"20010115": "landed"}
    [(path, text)] = machine.files().items()
    assert path == "app_store/2001-01-15/S_D_85000001_20010115.20010117T200000Z.txt"
    assert text == REPORT.replace("SKU  ", "SKU").replace("\r\n", "\n")


def test_what_is_landed_is_what_the_lake_reads(machine):
    machine.fetch(day("2001-01-15"))
    [(path, text)] = machine.files().items()
    rows = parsed([InMemoryFile(text.encode(), path)])
    assert [(row.get("units"), row.get("status")) for row in rows] == [(3, None), (None, "read")]
    assert str(rows[1]["written_at"]) == "2001-01-17 20:00:00+00:00" and rows[1]["vendor"] == VENDOR


def test_by_itself_it_asks_for_the_last_days_before_today_in_california(machine):
    assert machine.fetch() == {"20010114": "not there yet", "20010115": "landed", "20010116": "not there yet"}
    assert machine.fetch() == {"20010114": "not there yet", "20010115": "unchanged", "20010116": "not there yet"}
    machine.at = utc("2001-01-18 07:00")  # still the 17th in California
    assert list(machine.fetch()) == ["20010114", "20010115", "20010116"]
    machine.at = utc("2001-01-19 20:00")
    assert machine.fetch() == {"20010116": "not there yet", "20010117": "not there yet", "20010118": "not there yet"}


def test_a_day_of_which_nothing_was_sold_is_asked_for_again_until_its_time_has_passed(machine):
    machine.apple.silent_days.add("2001-01-15")
    assert machine.fetch()["20010115"] == "no sales"
    machine.at += timedelta(hours=5)
    assert machine.fetch()["20010115"] == "unchanged"
    machine.apple.silent_days.clear()
    machine.at += timedelta(hours=5)
    assert machine.fetch()["20010115"] == "landed"
    machine.apple.silent_days.add("2001-01-15")
    machine.at += timedelta(hours=5)
    assert machine.fetch()["20010115"] == "no sales" and machine.fetch()["20010115"] == "unchanged"
    folder = "app_store/2001-01-15/S_D_85000001_20010115"
    units = {path: text.count("1F") for path, text in machine.files().items()}
    assert units == {
        f"{folder}.20010117T200000Z.txt": 0, f"{folder}.20010118T060000Z.txt": 1, f"{folder}.20010118T110000Z.txt": 0,
    }  # fmt: skip


def test_a_report_that_apple_restates_is_landed_beside_the_old_one_by_itself(machine):
    machine.fetch()
    machine.apple.reports["2001-01-15"] = REPORT.replace("\t3\t", "\t4\t")
    machine.at += timedelta(hours=1)
    assert machine.fetch()["20010115"] == "landed" and len(machine.files()) == 2
    newest = max(machine.files())
    assert newest.endswith(".20010117T210000Z.txt") and "\t4\t" in machine.files()[newest]


def test_asking_in_vain_writes_nothing(machine):
    machine.fetch()
    ledger = machine.landing / "app_store" / ".fetched.json"
    before = ledger.stat().st_mtime_ns
    machine.at += timedelta(minutes=1)
    machine.fetch()
    assert ledger.stat().st_mtime_ns == before


def test_a_range_is_asked_for_again_and_only_what_changed_is_a_new_file(machine):
    machine.fetch(day("2001-01-15"))
    machine.at += timedelta(days=1)
    assert machine.fetch(day("2001-01-15")) == {"20010115": "unchanged"} and len(machine.files()) == 1
    machine.apple.reports["2001-01-15"] = REPORT.replace("\t3\t", "\t4\t")
    assert machine.fetch(day("2001-01-15")) == {"20010115": "landed"}
    assert list(machine.files()) == [
        "app_store/2001-01-15/S_D_85000001_20010115.20010117T200000Z.txt",
        "app_store/2001-01-15/S_D_85000001_20010115.20010118T200000Z.txt",
    ]


def test_a_day_without_sales_is_landed_as_a_header_and_one_that_is_not_ready_is_not(machine):
    machine.apple.silent_days |= {"2001-01-14", "2001-01-16"}
    assert machine.fetch() == {"20010114": "no sales", "20010115": "landed", "20010116": "not there yet"}
    [header, _] = machine.files().values()
    [account] = parsed([InMemoryFile(header.encode(), next(iter(machine.files())))])
    assert (account["status"], account["row_count"], str(account["downloaded_on"])) == ("read", 0, "2001-01-14")


def test_the_ledger_tells_where_each_file_came_from_and_holds_no_key(machine):
    machine.fetch(day("2001-01-15"))
    text = (machine.landing / "app_store" / ".fetched.json").read_text()
    [entry] = json.loads(text).values()
    assert (
        entry["path"] in machine.files() and entry["source"].endswith("/v1/salesReports") and len(entry["sha256"]) == 64
    )
    assert not [part for part in (*PRIVATE.split("\n")[1:3], KEY_ID, ISSUER) if part in text]


@pytest.mark.parametrize("failure", ["429", "500", "503", "cut", "cut inside"])
def test_after_a_busy_or_broken_answer_it_asks_again(machine, failure):
    machine.apple.first += [failure, failure]
    assert machine.fetch(day("2001-01-15")) == {"20010115": "landed"}
    assert machine.waits == ([7.0, 14.0] if failure == "429" else [2.0, 4.0]) and len(machine.apple.asked) == 3


@pytest.mark.parametrize(("failure", "said"), [
    ("429", "its limit of requests an hour is reached"), ("500", "it answers 500"), ("cut", "the answer broke off"),
    ("cut inside", "the answer broke off"),
])  # fmt: skip
def test_what_stays_broken_lands_nothing_of_itself_and_the_next_run_goes_on_from_there(machine, failure, said):
    machine.apple.reports["2001-01-14"] = REPORT.replace("15", "14")
    machine.fetch(day("2001-01-14"))
    machine.apple.first += [failure] * 6
    with pytest.raises(FetchError, match=f"no report of 2001-01-15: {said}.*; run again later"):
        machine.fetch(day("2001-01-15"), day("2001-01-16"))
    assert len(machine.files()) == 1 and not list(machine.landing.rglob("*.tmp"))
    assert machine.fetch() == {"20010114": "unchanged", "20010115": "landed", "20010116": "not there yet"}


def test_a_wrong_key_is_told_without_showing_it(machine):
    machine.key = new_key()[0]
    with pytest.raises(
        FetchError, match=r"doesn't know the key .*check app_store.issuer_id, app_store.key_id"
    ) as error:
        machine.fetch(day("2001-01-15"))
    assert machine.key.split("\n")[1] not in str(error.value) and machine.files() == {}


@pytest.mark.parametrize(("off", "said"), [
    (timedelta(minutes=25), "this machine's clock is 25 minutes ahead of Apple's; set it"),
    (timedelta(minutes=-30), "this machine's clock is 30 minutes behind Apple's; set it"),
])  # fmt: skip
def test_a_clock_that_is_off_is_named_as_the_cause(machine, off, said):
    machine.apple.now = lambda: NOON
    machine.at = NOON + off
    with pytest.raises(FetchError, match=said):
        machine.fetch(day("2001-01-15"))


@pytest.mark.parametrize("key", ["", "no key", PRIVATE[:-60], "-----BEGIN PUBLIC KEY-----"])
def test_what_is_no_key_is_told_before_anybody_is_asked(machine, key):
    machine.key = key
    with pytest.raises(FetchError, match="no private key for ES256") as error:
        machine.fetch(day("2001-01-15"))
    assert machine.apple.asked == [] and error.value.__suppress_context__


def test_a_refusal_names_the_role_and_a_wrong_vendor_the_setting(machine):
    machine.apple.first.append("403")
    with pytest.raises(FetchError, match=r"refuses the report .*give the key the role Sales"):
        machine.fetch(day("2001-01-15"))
    with pytest.raises(FetchError, match=r"answers 400 \(Invalid vendor number specified.\): check app_store.vendor"):
        machine.fetch(day("2001-01-15"), vendor="99999999")
    assert len(machine.apple.asked) == 2


def test_another_server_or_path_is_not_taken_for_a_day_without_a_report(machine):
    with pytest.raises(FetchError, match=r"there is no App Store at .*/elsewhere .*: check app_store.url"):
        machine.fetch(day("2001-01-15"), url=f"{machine.apple.url}/elsewhere")


def test_an_answer_that_is_no_report_is_not_landed(machine):
    machine.apple.reports["2001-01-15"] = "<html>Sign in to this network</html>"
    with pytest.raises(FetchError, match="the answer is no report"):
        machine.fetch(day("2001-01-15"))
    assert machine.files() == {}


def test_a_key_may_stand_in_one_line(machine):
    machine.key = PRIVATE.replace("\n", "\\n")
    assert machine.fetch(day("2001-01-15")) == {"20010115": "landed"}


def test_a_token_is_renewed_before_it_ends_and_never_holds_for_more_than_twenty_minutes(machine):
    def hour_by_hour() -> datetime:
        machine.at += timedelta(minutes=4)
        return machine.at

    store = AppStore(vendor=VENDOR, issuer_id=ISSUER, key_id=KEY_ID, url=machine.apple.url)
    days = [day("2001-01-15")] * 12
    clock = Clock(hour_by_hour, machine.wait)
    assert len(list(app_store_connect.fetch(store, PRIVATE, str(machine.landing), clock, days))) == 12


def test_a_fetcher_shows_no_key_when_it_is_printed(machine):
    connect = app_store_connect.Connect(AppStore(), PRIVATE, Clock(lambda: NOON, machine.wait))
    assert PRIVATE not in repr(connect) and repr(connect) == "Connect()"
