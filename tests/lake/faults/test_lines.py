"""Cases 16 to 20 and 25 as far as lines go: damaged clocks, malformed and hostile lines, drifting formats, odd addresses, erased keys."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from metrics_lake.cli.output.table_output import write
from metrics_lake.config.settings import Settings, Storage
from metrics_lake.io.landing.intake import new_entries
from metrics_lake.io.landing.local_landing import LocalLanding
from metrics_lake.jobs.read_coverage import coverage
from metrics_lake.privacy import salts
from tests.unit import standing
from tests.unit.drawing import utc
from tests.unit.sources.haproxy.logs import NOON, SECRET, TENANTS, InMemoryFile, line, parse, rules_of, text


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def stamped(stamp: str) -> str:
    return line().replace(NOON.strftime("%d/%b/%Y:%H:%M:%S.%f")[:-3], stamp)


@pytest.mark.parametrize("stamp", ["15/Jan/2099:12:00:00.000", "01/Jan/1970:00:00:00.000", "31/Feb/2001:12:00:00.000"])
def test_case_16_a_line_with_an_impossible_date_is_refused_and_moves_no_period(stamp: str) -> None:
    got = parse(text([line(0), stamped(stamp), line(6), line(12)]))
    assert got.accounts == {"accepted": 3, "reject": 1} and set(got.rejects.values()) <= {
        "impossible_time",
        "not_httplog",
    }
    [file] = got.files
    assert (file["first_logged_at"], file["last_logged_at"] < utc("2001-01-15 12:01")) == (
        utc("2001-01-15 12:00") + timedelta(milliseconds=40), True,
    )  # fmt: skip


def test_case_16_a_leap_second_is_told_or_refused_and_costs_no_other_line() -> None:
    got = parse(text([line(0), stamped("15/Jan/2001:12:00:60.000"), line(66)]))
    assert got.accounts["accepted"] + got.accounts.get("reject", 0) == 3 and got.accounts["accepted"] >= 2


def test_case_16_the_hour_that_comes_twice_and_the_one_that_never_comes_are_put_in_order() -> None:
    twice = [
        stamped(f"28/Oct/2001:{hour}.000") for hour in ("02:30:00", "02:59:00", "02:01:00", "02:31:00", "03:01:00")
    ]
    got = parse(InMemoryFile(text(twice), "haproxy/a.log"), rules=rules_of(haproxy={"timezone": "Europe/Berlin"}))
    offsets = sorted(at for visit in got.visits for at in at_of(visit))
    assert offsets == [utc(f"2001-10-28 {at}") for at in ("00:30", "00:59", "01:01", "01:31", "02:01")]
    spring = InMemoryFile(text([stamped("25/Mar/2001:02:30:00.000")]), "haproxy/a.log")
    never = parse(spring, rules=rules_of(haproxy={"timezone": "Europe/Berlin"}))
    assert never.accounts == {"accepted": 1} and never.visits[0]["is_time_doubtful"]


def at_of(visit: dict) -> list[datetime]:
    return [visit["first_at"] + timedelta(milliseconds=offset) for offset in visit["offsets_ms"]]


def test_case_16_a_file_from_the_future_hides_no_other_and_claims_no_hour(tmp_path: Path) -> None:
    folder = tmp_path / "haproxy"
    folder.mkdir()
    (folder / "a.log").write_text("x")
    os.utime(folder / "a.log", (4_102_444_800, 4_102_444_800))
    known = list(new_entries(LocalLanding(tmp_path), "haproxy", [], str))
    (folder / "b.log").write_text("y")
    os.utime(folder / "b.log", (0, 0))
    assert [entry.path for entry in new_entries(LocalLanding(tmp_path), "haproxy", known, str)] == ["haproxy/b.log"]
    standing.write(tmp_path / "lake")
    settings = Settings(storage=Storage(lake=str(tmp_path / "lake")))
    assert coverage(settings).complete_through == utc("2001-01-15 14:00")


MALFORMED = {
    "not understood by HAProxy": (line(timers="-1/-1/-1/-1/0", status=400, method="<BADREQ>", path="", version="").replace(' "<BADREQ> "', ' "<BADREQ>"'), "unclaimed"),
    "aborted": (line(timers="-1/-1/-1/-1/5001", status=408), "accepted"),
    "logged early": (line(0, "/acme.mp3", timers="0/0/1/5/+40", size="+1000"), "accepted"),
    "no captures": (line(captures=""), "accepted"),
    "a connection in TCP mode": (
        "192.0.2.7:4711 [15/Jan/2001:12:00:00.000] fe be/s1 1/0/4000 1890 -- 1/1/0/0/0 0/0", "unclaimed",
    ),
    "a tab at its end": (line() + "\t", "accepted"),
    "a carriage return at its end": (line() + "\r", "accepted"),
    "a health check": ("Health check for server be/s1 succeeded, reason: Layer4 check passed", "skipped"),
    "an IPv6 address": (line(address="2001:db8::7"), "accepted"),
    "a unix socket": (line(address="unix:1").replace("unix:1:4711", "unix:1"), "accepted"),
    "cut at 1,024 bytes": (line(path="/acme/live/" + "x" * 2000)[:1024], "accepted"),
    "a header of the PROXY protocol": ("PROXY TCP4 192.0.2.9 198.51.100.1 4711 80", "reject"),
    "PROXY UNKNOWN": (line(address="0.0.0.0"), "accepted"),
    "nothing but numbers": ("1 2 3 4 5 6 7 8 9", "reject"),
    "half a date": ("192.0.2.7:4711 [15/Jan/2001:12", "reject"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MALFORMED)
def test_case_17_a_malformed_line_is_read_by_a_rule_or_kept_with_its_reason(kind: str) -> None:
    odd, account = MALFORMED[kind]
    got = parse(text([line(100), odd, line(106)]))
    assert sum(got.accounts.values()) == 3 and got.files[0]["status"] == "read"
    assert got.accounts[account] == (3 if account == "accepted" else 1)
    assert all(reason for reason in got.rejects.values())


HOSTILE = {
    "invalid UTF-8": b"\xff\xfe\xc3\x28" * 20, "NUL": b"\0" * 200, "ANSI escapes": b"\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "ten megabytes": b"x" * 10_000_000, "bait for backtracking": b"a" * 50_000 + b'" {' * 5_000, "CSV injection": b'=cmd|"/c calc"!A1',
    "quotes that break JSON": b'","x":"\\"}]', "right to left": "\u202egpj.exe\u2066\u2069".encode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_case_18_hostile_bytes_cost_little_and_come_out_escaped(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.perf_counter()
    got = parse(text([line(0)]) + HOSTILE[kind] + b"\n" + text([line(6, agent="=cmd(), VLC")]))
    assert time.perf_counter() - started < 5
    assert got.accounts["accepted"] == 2 and sum(got.accounts.values()) == 3
    rows = pl.DataFrame(
        {"masked_text": [row["masked_text"] for row in got.rows("reject")]}, schema={"masked_text": pl.String}
    )
    write(rows, "json", Console())
    told = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert len(told) == rows.height and all(len(row["masked_text"]) < 5_000 for row in told)
    write(rows, "csv", Console())
    cells = [cell for row in csv.reader(io.StringIO(capsys.readouterr().out)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]


_MEMORY = """
import resource
from tests.lake.faults.test_lines import HOSTILE, line, parse, text
def most(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
parse(text([line(0)]))
before = most()
parse(text([line(0)]) + HOSTILE["ten megabytes"] + b"\\n" + text([line(6)]))
print(most() - before)
"""


def test_case_18_a_line_of_ten_megabytes_takes_no_more_memory_than_a_file_of_that_size_would() -> None:
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "METRICS_LAKE_SECRET": SECRET}
    ended = subprocess.run(
        [sys.executable, "-c", _MEMORY],
        cwd=Path(__file__).parents[3],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert int(ended.stdout) < 20 * len(HOSTILE["ten megabytes"])  # measured: 9 times


def test_case_19_a_format_that_changes_within_a_file_costs_no_line_and_an_unknown_one_is_kept() -> None:
    clf = (
        '192.0.2.7 - - [15/Jan/2001:12:00:12 +0000] "GET /acme/live/3.ts HTTP/1.1" 200 1000 "" "" 4711 0 "fe" '
        '"be" "s1" 0 0 1 5 40 ---- 9 8 7 6 0 0 0 "" "" "VLC/3.0.20" '
    )
    more = [line(18, captures="{a.example|https://b.example/|VLC/3.0.20}"), line(24) + " 123 456 979560024.000 -"]
    got = parse(text([line(0), line(6, captures=""), clf, *more, "a new format: 192.0.2.77 /acme/live/4.ts 200"]))
    assert got.accounts == {"accepted": 5, "reject": 1}
    assert "192.0.2.77" not in got.rows("reject")[0]["masked_text"]


ODD_ADDRESSES = ["10.1.2.3", "127.0.0.1", "0.0.0.0", "255.255.255.255", "169.254.1.1", "::", "::1", "fe80::1", "::ffff:192.0.2.99",
                 "999.1.2.3", "192.0.2.7.8", "2001:db8:::7", "1" * 300, "2001:" + "db8:" * 40 + "1"]  # fmt: skip


@pytest.mark.parametrize("address", ODD_ADDRESSES)
def test_case_20_an_odd_address_is_hashed_in_canonical_form_or_masked_and_never_kept(address: str) -> None:
    got = parse(text([line(0), line(6, address=address), line(12, address=address) + " and more that no format has {"]))
    assert sum(got.accounts.values()) == 3
    shown = json.dumps(got.frame.drop("line_ids", "offsets_ms", "content_hash", "file_id").to_dicts(), default=str)
    assert len(address) < 4 or address not in shown
    if address == "::ffff:192.0.2.99":
        same = parse(text([line(0, address="192.0.2.99"), line(6, address=address)]))
        assert len({visit["listener_id"] for visit in same.visits}) == 1


def test_case_25_keys_that_change_at_a_day_s_border_mix_in_no_session_and_an_erased_one_reads_nothing(
    tmp_path: Path,
) -> None:
    file = str(tmp_path / "keys")
    salts.prepare(file, TENANTS.tenants)
    rules = rules_of(privacy={"key_rotation": "daily", "keys_file": file, "secret_file": "none"})
    midnight = 12 * 3600
    log = InMemoryFile(text([line(midnight + at, f"/acme/live/{at}.ts") for at in (-12, -6, 0, 6)]))
    visits = parse(log, rules=rules).visits
    days = {(visit["listener_id"], at.date()) for visit in visits for at in at_of(visit)}
    assert len(days) == 2 and len({listener for listener, _ in days}) == 2, (
        "one listener, but a key of its own for each day"
    )
    salts.erase(file, "acme", "2001-01-15", rotation="daily", at=datetime(2001, 1, 17, tzinfo=timezone.utc))
    again = parse(log, rules=rules)
    assert set(again.rejects.values()) == {"key_destroyed"} and len(again.rejects) == 2
    assert {visit["listener_id"] for visit in again.visits} == {who for who, on in days if on.day == 16}
