"""Who logged a line: the folder that names a machine, else the header's host, if it can be one; of several, each."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.config.settings import Haproxy, Sessions
from metrics_lake.coverage.completeness import COLUMNS, Coverage, arrivals, coverage_of
from metrics_lake.silver.merging import READ, merged
from metrics_lake.sources.haproxy import reading
from metrics_lake.sources.haproxy.proxies import host_of, named_anew
from metrics_lake.sources.machine_names import can_name_machine, machine_folder
from tests.unit.drawing import rows, utc
from tests.unit.sources.haproxy.logs import SECRET, InMemoryFile, Read, line, parse, rules_of, text

GOLDEN = Path(__file__).parents[3] / "golden" / "proxies"
BSD, ISO = "Jan 15 12:00:00", "2001-01-15T12:00:00.5+00:00"
COUNTS = ("accepted_count", "reject_count", "unclaimed_count", "skipped_count")


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def case(name: str) -> Coverage:
    """What has arrived of a golden case."""
    folder = GOLDEN / name
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return covered(parse(*(InMemoryFile(path.read_bytes(), path.relative_to(folder).as_posix()) for path in paths)))


def covered(got: Read) -> Coverage:
    return coverage_of(arrivals([tuple(row[name] for name in COLUMNS) for row in got.files]))


def proxies(got: Read) -> dict[str, str]:
    return {row["proxy"]: row["proxy_reason"] for row in got.files}


# --- the cases whose right answers are known --------------------------------------------------------------------------


def test_two_machines_that_both_call_themselves_localhost_are_told_by_their_folders():
    found = case("localhost")
    assert [(proxy.name, proxy.hours_of_kind("missing")) for proxy in found.proxies] == [
        ("edge-01", []), ("edge-02", [utc("2001-11-22 17:00")]),
    ]  # fmt: skip
    assert found.complete_through == utc("2001-11-22 17:00")


def test_a_client_s_address_behind_haproxy_s_own_stamp_is_no_host():
    found = case("iso-clf")
    assert [proxy.name for proxy in found.proxies] == ["edge-01"]
    assert found.complete_through == utc("2001-11-22 19:00")


def test_both_hosts_of_a_log_server_s_files_have_all_hours_whoever_is_first():
    found = case("central-syslog")
    assert [(proxy.name, len(proxy.hours_of_kind("received"))) for proxy in found.proxies] == [
        ("node2", 4),
        ("node3", 4),
    ]
    assert found.complete_through == utc("2001-11-22 20:00")


# --- folders ----------------------------------------------------------------------------------------------------------

FOLDERS = """
    path                                    | machine    | why
    haproxy/edge-01/a.log                   | edge-01    | a machine
    haproxy/edge-01/2001/01/15/17/a.log     | edge-01    | dates behind it
    haproxy/2001-01-15/edge-01/a.log        | edge-01    | a date before it
    haproxy/eu/edge-01/a.log                | eu/edge-01 | two that make the name
    haproxy/logs/edge-01/a.log              | edge-01    | a folder for any log
    haproxy/Year=2001/Month=01/edge-01/a.log | edge-01   | dates in capitals
    haproxy/15.01.2001/edge-01/a.log        | edge-01    | a date whose day is first
    haproxy/2001-Jan/edge-01/a.log          | edge-01    | a month's name
    haproxy/2001/January/edge-01/a.log      | edge-01    | a month's whole name
    haproxy/edge-01/20010115T17Z/a.log      | edge-01    | an hour in UTC
    haproxy/edge-01-2001-01-15/a.log        | edge-01    | a machine with a date
    haproxy/20010115_edge-01/a.log          | edge-01    | a date with a machine
    haproxy/logs-2001-01-15/a.log           |            | a folder for any log, with a date
    haproxy/daily/edge-01/a.log             | edge-01    | how often it is rotated
    haproxy/edge-01/archive/a.log           | edge-01    | the same
    haproxy/a.log                           |            | none
    haproxy/2001-01-15/17/a.log             |            | dates
    haproxy/2001/01/15/a.log                |            | the same
    haproxy/20010115/a.log                  |            | the same
    haproxy/2001011517/a.log                |            | with the hour
    haproxy/2001-01-15T17/a.log             |            | the same
    haproxy/2001-W03/a.log                  |            | a week
    haproxy/2001/Jan/15/a.log               |            | a month's name
    haproxy/dt=2001-01-15/hour=17/a.log     |            | as Hive has it
    haproxy/y=2001/m=01/d=15/h=17/a.log     |            | as Azure has it
    haproxy/logs/a.log                      |            | a folder for any log
    haproxy/localhost/a.log                 |            | every machine's name
    """


@pytest.mark.parametrize("row", rows(FOLDERS), ids=lambda row: row["path"])
def test_a_folder_names_a_machine_unless_it_is_a_date_or_for_the_logs_of_any(row):
    assert machine_folder(row["path"]) == (row["machine"] or ""), row["why"]


# --- headers ----------------------------------------------------------------------------------------------------------

HOSTS = {
    f"{BSD} edge-07 haproxy[123]: ": "edge-07",
    f"<134>{BSD} edge-07 haproxy[123]: ": "edge-07",
    f"<134>1 {ISO} edge-07 haproxy 7 - - ": "edge-07",
    f"{ISO} lb1.acme.example haproxy[7]: ": "lb1.acme.example",
    "2001-01-15 12:00:00 edge-07 haproxy[7]: ": "edge-07",
    "Jan 15 2001 12:00:00.123 edge-07 haproxy[7]: ": "edge-07",
    f"{BSD} edge-07 local0.info haproxy[7]: ": "edge-07",
    f"{BSD} edge-07 haproxy: ": "edge-07",
    f"{BSD} relay1/edge-07 haproxy[7]: ": "edge-07",
    f"{BSD} s_net@edge-07 haproxy[7]: ": "edge-07",
    f"{BSD} stdin haproxy[7]: ": None,
    f"{BSD} n/a haproxy[7]: ": None,
    "": None,
    f"{BSD} haproxy[123]: ": None,
    f"{BSD} localhost haproxy[123]: ": None,
    f"{BSD} localhost.localdomain haproxy[123]: ": None,
    f"{BSD} 192.0.2.9 haproxy[123]: ": None,
    f"{BSD} 2001:db8::9 haproxy[123]: ": None,
    f"<134>1 {ISO} - haproxy 7 - - ": None,
    f"{ISO} stdout haproxy[7]: ": None,
    f"{ISO} fe haproxy[7]: ": None,
    f"{BSD} 3f2a9c1b7d4e haproxy[1]: ": None,
    f"{BSD} web-7d9c5b6f4-x2x9z haproxy[1]: ": None,
    f"{ISO} ": None,
}


@pytest.mark.parametrize("prefix", HOSTS, ids=lambda prefix: prefix or "none")
def test_a_header_s_host_counts_if_it_can_be_a_machine_s_name(prefix):
    content, host = text([line(n, prefix=prefix) for n in range(3)]), HOSTS[prefix]
    got = parse(InMemoryFile(content, "haproxy/2001/01/15/a.log"))
    assert proxies(got) == ({host: "header"} if host else {"": "no_name"})
    assert {row["proxy"] for row in got.visits} == {host or ""}
    assert proxies(parse(InMemoryFile(content, "haproxy/edge-01/a.log"))) == {"edge-01": "folder"}


def test_a_host_is_known_though_no_blank_stands_behind_the_program():
    assert host_of(line(prefix=f"{BSD} edge-07 haproxy[7]:")) == "edge-07"


def test_neither_a_long_text_nor_one_without_a_letter_is_a_machine_s_name():
    assert not any(map(can_name_machine, ("a" * 300, "42", "-", "", "a b", "stdout", "LOCALHOST", "unknown")))


@pytest.mark.parametrize(("setting", "expected", "proxy"), [
    (None, (), "edge-01"),
    ("folder", (), "edge-01"),
    ("header", (), "lb1"),
    (None, ("lb1",), "lb1"),           # who says which proxies must send knows their names
    (None, ("edge-01", "lb1"), "edge-01"),
    (None, ("others",), "edge-01"),
])  # fmt: skip
def test_a_setting_wins_over_both(setting, expected, proxy):
    rules = rules_of(haproxy={"proxy_from": setting, "expected_proxies": expected})
    content = text([line(prefix=f"{BSD} lb1 haproxy[1]: ")])
    assert list(proxies(parse(InMemoryFile(content, "haproxy/edge-01/a.log"), rules=rules))) == [proxy]
    old = named_anew("haproxy/edge-01/a.log", "lb1", rules.haproxy)
    assert old == proxy, "a file that an older version read counts for the same proxy"


@pytest.mark.parametrize(("path", "before", "now"), [
    ("haproxy/edge-01/a.log", "edge-01", "edge-01"),
    ("haproxy/edge-01/a.log", "localhost", "edge-01"),
    ("haproxy/a.log", "lb1", "lb1"),
    ("haproxy/a.log", "localhost", ""),
    ("haproxy/2001/a.log", "<address:0123456789ab>", ""),
])  # fmt: skip
def test_a_file_that_an_older_version_read_gets_the_name_that_it_would_have_now(path, before, now):
    assert named_anew(path, before, Haproxy()) == now


def test_a_folder_whose_lines_are_of_several_hosts_says_so():
    content = text([line(n, prefix=f"{BSD} node{n % 2} haproxy[1]: ") for n in range(4)])
    assert proxies(parse(InMemoryFile(content, "haproxy/logserver/a.log"))) == {"logserver": "folder_over_hosts"}
    by_header = rules_of(haproxy={"proxy_from": "header"})
    assert proxies(parse(InMemoryFile(content, "haproxy/logserver/a.log"), rules=by_header)) == {
        "node0": "header", "node1": "header",
    }  # fmt: skip


# --- several hosts in one file ----------------------------------------------------------------------------------------

MIXED = [
    line(0, prefix=f"{BSD} node2 haproxy[1]: "),
    line(900, "/acme.mp3", prefix=f"{BSD} node3 haproxy[1]: "),
    line(1800, "/nobody/1.ts", prefix=f"{BSD} node3 haproxy[1]: "),
    line(1801, "/acme/live/2.ts", prefix=f"{BSD} node2 haproxy[1]: "),
    f"{BSD} node3 haproxy[1]: nonsense",
    f"{BSD} node9 haproxy[1]: nonsense of a host without a request",
    "nonsense without a header",
    f"{BSD} node3 haproxy[1]: Proxy fe stopped (cumulated conns: FE: 12, BE: 0).",
]


def test_lines_count_for_their_own_host_and_those_without_one_for_the_file_s_main_host():
    got = parse(InMemoryFile(text(MIXED), "haproxy/a.log"))
    by_proxy = {row["proxy"]: [row["line_count"], *(row[name] for name in COUNTS)] for row in got.files}
    assert by_proxy == {"node2": [4, 2, 2, 0, 0], "node3": [4, 1, 1, 1, 1]}
    times = {row["proxy"]: (row["first_logged_at"], row["last_logged_at"]) for row in got.files}
    assert times["node3"] == (utc("2001-01-15 12:15:00.040"), utc("2001-01-15 12:30:00.040"))
    assert sorted((row["proxy"], row["stream"]) for row in got.visits) == [
        ("node2", "live"),
        ("node2", "live"),
        ("node3", "fm"),
    ]
    assert [row["proxy"] for row in got.rows("unclaimed")] == ["node3"]
    assert sorted(row["proxy"] for row in got.rows("reject")) == ["node2", "node2", "node3"]


HOSTS_OF_LINES = st.lists(st.sampled_from(["node1", "node2", "localhost", "-"]), min_size=1, max_size=30)


@settings(max_examples=15)
@given(HOSTS_OF_LINES)
def test_whoever_logged_a_line_the_file_adds_up_and_its_sessions_are_the_same(hosts):
    def written(names):
        prefixes = [f"{BSD} {name} haproxy[1]: " for name in names]
        lines = [line(70 * (n // 4) + n, f"/acme/live/{n // 2}.ts", prefix=prefix) for n, prefix in enumerate(prefixes)]
        return parse(InMemoryFile(text([*lines, "nonsense"]), "haproxy/a.log"))

    def sessions(got):
        frame = got.frame.filter((pl.col("row_kind") == "visit") & pl.col("is_evidence"))
        return merged(frame.select(READ), Sessions()).to_dicts()

    several, one = written(hosts), written(["node1"] * len(hosts))
    assert sum(row["line_count"] for row in several.files) == len(hosts) + 1
    assert all(row["line_count"] == sum(row[name] for name in COUNTS) for row in several.files)
    assert {row["proxy"] for row in several.files} == ({*hosts} & {"node1", "node2"} or {""})
    assert sessions(several) == sessions(one)


def test_a_file_of_several_hosts_is_counted_the_same_in_one_chunk_and_in_many(monkeypatch):
    class InPieces(InMemoryFile):
        def pieces(self):
            yield from (row + b"\n" for row in self.content.removesuffix(b"\n").split(b"\n"))

    monkeypatch.setattr(reading, "_CHUNK_BYTES", 1)
    got = parse(InPieces(text(MIXED[:4]), "haproxy/a.log"))
    assert {row["proxy"]: (row["line_count"], row["accepted_count"]) for row in got.files} == {
        "node2": (2, 2),
        "node3": (2, 1),
    }


def test_the_numbers_of_lines_are_those_of_the_host_that_counted_them():
    lines = [f"{line(n, prefix=f'{BSD} node{n % 2} haproxy[1]: ')} 4037 {n} {979560000 + n}.003 -" for n in range(4)]
    got = parse(InMemoryFile(text(lines), "haproxy/a.log"))
    assert {row["proxy"]: row["first_numbers"] for row in got.rows("counter")} == {"node0": [0, 2], "node1": [1, 3]}


# --- hours of a log server --------------------------------------------------------------------------------------------


def hours(*files: tuple[str, int, tuple[str, ...]]) -> Coverage:
    """Files of a log server: the hour in their names, that of their lines, and their hosts."""
    return covered(parse(*(
        InMemoryFile(
            text([line((hour - 12) * 3600 + n, prefix=f"{BSD} {host} haproxy[1]: ") for n in range(3) for host in hosts]),
            f"haproxy/haproxy.log-20010115-{name}",
        )
        for name, hour, hosts in files
    )))  # fmt: skip


BOTH = ("node2", "node3")


def test_an_empty_hour_of_a_log_server_is_one_of_each_of_its_hosts():
    found = hours(("13", 12, BOTH), ("14", 13, ()), ("15", 14, BOTH))
    assert [proxy.hours_of_kind("empty") for proxy in found.proxies] == [[utc("2001-01-15 13:00")]] * 2
    assert found.complete_through == utc("2001-01-15 15:00")


def test_an_hour_in_which_one_host_of_a_log_server_lacks_is_missing_of_that_host_alone():
    found = hours(("13", 12, BOTH), ("14", 13, ("node2",)), ("15", 14, BOTH))
    assert [proxy.hours_of_kind("missing") for proxy in found.proxies] == [[], [utc("2001-01-15 13:00")]]


def test_an_empty_file_among_those_of_single_hosts_is_of_the_one_that_most_name():
    found = hours(("13", 12, ("node2",)), ("14", 13, ()), ("15", 14, ("node2",)), ("16", 15, ("node3",)))
    assert [len(proxy.hours_of_kind("empty")) for proxy in found.proxies] == [1, 0]
