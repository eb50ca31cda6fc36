"""HAProxy's line counters, folded into runs by file, frontend, process and hour."""

from __future__ import annotations

import pytest

from tests.unit.drawing import utc
from tests.unit.sources.haproxy.logs import SECRET, line, parse, rules_of, text


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def advised(at: float, number: int, *, pid: int = 4037, frontend: str = "fe") -> str:
    """The line that docs/formats.md advises, with its numbers."""
    return f"{line(at, f'/acme/live/{number}.ts', frontend=frontend)} {pid} {number} {979560000 + int(at)}.003 -"


def counter_rows(*lines: str, **rules) -> list[tuple]:
    rows = parse(text(lines), rules=rules_of(**rules)).rows("counter")
    return [
        (row["frontend"], row["process_number"], row["counter"], row["hour_at"],
         list(zip(row["first_numbers"], row["last_numbers"], strict=True)), row["line_count"])
        for row in rows
    ]  # fmt: skip


def test_numbers_that_follow_each_other_are_one_run_whatever_the_order_of_lines():
    assert counter_rows(*(advised(n, n) for n in (3, 1, 2, 7, 8))) == [
        ("fe", 4037, "log", utc("2001-01-15 12:00"), [(1, 3), (7, 8)], 5)
    ]


def test_frontends_processes_and_hours_are_counted_apart():
    lines = [advised(0, 1), advised(1, 1, frontend="fe2"), advised(2, 1, pid=9), advised(3600, 2)]
    assert sorted((*row[:4], row[4]) for row in counter_rows(*lines)) == [
        ("fe", 9, "log", utc("2001-01-15 12:00"), [(1, 1)]), ("fe", 4037, "log", utc("2001-01-15 12:00"), [(1, 1)]),
        ("fe", 4037, "log", utc("2001-01-15 13:00"), [(2, 2)]), ("fe2", 4037, "log", utc("2001-01-15 12:00"), [(1, 1)]),
    ]  # fmt: skip


def test_a_line_that_is_there_twice_is_two_lines_of_one_number():
    assert counter_rows(advised(0, 1), advised(0, 1))[0][4:] == ([(1, 1)], 2)


def test_lines_without_numbers_are_not_counted():
    assert counter_rows(line(0), line(1)) == []
    assert counter_rows(line(0), advised(1, 5))[0][4:] == ([(5, 5)], 1)


def test_where_lines_are_not_numbered_the_requests_of_the_process_are():
    formats = {"*": "ci=%ci cp=%cp tr=%tr Ta=%Ta st=%ST B=%B ft=%ft pid=%pid rt=%{+X}rt r=%{+Q}r"}
    lines = [
        f'ci=192.0.2.7 cp=1 tr=15/Jan/2001:12:00:0{n}.000 Ta=4 st=200 B=1 ft=fe{n} pid=7 rt={10 + n:X} r="GET /acme/live/{n}.ts HTTP/1.1"'
        for n in range(3)
    ]
    assert counter_rows(*lines, haproxy={"formats": formats}) == [
        (None, 7, "request", utc("2001-01-15 12:00"), [(10, 12)], 3)
    ]
