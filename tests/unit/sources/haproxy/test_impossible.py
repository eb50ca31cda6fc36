"""A time is impossible only by evidence; a gap in the log is no evidence, however long."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from metrics_lake.sources.haproxy import reading
from metrics_lake.sources.haproxy.file_times import FileTimes
from tests.unit.sources.haproxy.logs import NOON, SECRET, InMemoryFile, line, parse, rules_of, text

READ_AT = round(datetime(2001, 1, 16, 12, tzinfo=timezone.utc).timestamp() * 1000)
HOUR, DAY = 3600, 86_400
PLAIN = "haproxy/edge-01/a.log"


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def rejected(*lines: str, path: str = PLAIN, read_ms: int | None = READ_AT, zone: str = "UTC") -> list[int]:
    """Numbers of the lines whose time is impossible."""
    rules = rules_of(haproxy={"timezone": zone}).model_copy(update={"read_ms": read_ms})
    rejects = parse(InMemoryFile(text(lines), path), rules=rules).rejects
    return sorted(number for number, reason in rejects.items() if reason == "impossible_time")


@pytest.mark.parametrize("days", [2, 3, 7, 60, 370])
def test_lines_behind_a_silence_of_days_or_months_are_read(days):
    assert rejected(line(-days * DAY), line(-days * DAY + 10), line(0)) == []
    assert rejected(line(-days * DAY), line(0), line(5), line(10)) == []


def test_a_line_before_2000_is_refused():
    assert rejected(line(-381 * DAY), line(0)) == [1]
    assert rejected(line(-380 * DAY), line(0)) == []


def test_a_line_over_26_hours_ahead_of_the_moment_of_reading_is_refused():
    assert rejected(line(DAY + 26 * HOUR), line(DAY + 26 * HOUR + 0.001), line(0)) == [2]
    assert rejected(line(365 * DAY), read_ms=None) == []  # of a batch that an older version planned


@pytest.mark.parametrize("header", [
    "2001-01-15T12:00:00.123+00:00 edge haproxy[1]: ",
    "2001-01-15T14:00:00+02:00 edge haproxy[1]: ",
    "<134>1 2001-01-15T12:00:00Z edge haproxy 1 - - ",
    "2001-01-15 12:00:00 edge haproxy[1]: ",
])  # fmt: skip
def test_a_line_that_ends_over_26_hours_from_its_own_header_is_refused(header):
    hours = (-27, -26, 26, 27)
    lines = [line(at * HOUR, timers="0/0/0/0/0", prefix=header) for at in hours]
    assert rejected(*lines, read_ms=None) == [1, 4]
    long_one = line(-48 * HOUR, timers=f"0/0/0/0/{48 * HOUR * 1000}", prefix=header)
    assert rejected(long_one) == []  # it began two days before its line was written


def test_a_header_without_a_year_is_no_evidence():
    assert rejected(line(-30 * DAY, prefix="Jan 15 12:00:00 edge-07 haproxy[123]: ")) == []


@pytest.mark.parametrize(("path", "zone", "limit"), [
    ("haproxy/edge-01/2001/01/15/haproxy-13-00.log", "UTC", 27),
    ("haproxy/edge-01/haproxy.log-20010115-13", "Africa/Johannesburg", 25),
])  # fmt: skip
def test_a_line_that_starts_over_26_hours_after_the_hour_in_its_file_s_name_is_refused(path, zone, limit):
    east = 2 if zone != "UTC" else 0
    lines = [line(hours * HOUR) for hours in (-300, 0, limit + east, limit + east + 0.001)]
    assert rejected(*lines, path=path, zone=zone, read_ms=None) == [4]


def test_a_line_over_400_days_before_the_newest_of_its_file_is_refused_and_wrong_ones_make_no_newest():
    now = NOON.replace(year=2003)
    offset = (now - NOON).total_seconds()
    ages = [line(offset - days * DAY) for days in (0, 400, 401, 30)]
    later = round(now.replace(tzinfo=timezone.utc).timestamp() * 1000)
    assert rejected(*ages, read_ms=later) == [3]
    assert rejected(line(offset + 2000 * DAY), *ages[1:], read_ms=later) == [1]
    others = [
        InMemoryFile(text([line(offset)]), "haproxy/a.log"),
        InMemoryFile(text([line(offset - 500 * DAY)]), "haproxy/b.log"),
    ]
    assert parse(*others).rejects == {}  # each file has its own newest line


@pytest.mark.parametrize("order", [(0, 500, 30), (500, 30, 0), (500, 0, 30), (30, 0, 500)])
def test_the_newest_line_is_that_of_the_whole_file_in_however_many_pieces_it_is_read(order, monkeypatch):
    offset = (NOON.replace(year=2003) - NOON).total_seconds()
    lines = [line(offset - days * DAY) for days in order]

    class InPieces(InMemoryFile):
        looks = 0

        def pieces(self):
            type(self).looks += 1
            yield from (row.encode() + b"\n" for row in lines)

    monkeypatch.setattr(reading, "_CHUNK_BYTES", 1)
    rules = rules_of().model_copy(update={"read_ms": READ_AT + round(2 * 365 * DAY * 1000)})
    got = parse(InPieces(text(lines), PLAIN), rules=rules)
    assert got.rejects == {order.index(500) + 1: "impossible_time"} and InPieces.looks == 2
    fresh = lines[:]
    lines[:] = [line(offset - days * DAY) for days in (0, 30, 60)]
    assert parse(InPieces(text(fresh), PLAIN), rules=rules).rejects == {} and InPieces.looks == 3  # nothing to ask


def test_what_has_to_be_asked_for_is_asked_for_once():
    requested = []
    files = FileTimes(paths={0: "a", 1: "b"}, to_survey={"a": lambda: requested.append(1)})
    assert [files.newest_of(number) for number in (0, 0, 1)] == [None] * 3 and requested == [1]
