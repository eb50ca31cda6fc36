"""The hour that occurs twice: each line is decided by its end, between the previous line and the next certain one."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import cycle, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.sources.haproxy import reading
from metrics_lake.sources.haproxy.doubtful import Line, later
from tests.unit.drawing import utc
from tests.unit.sources.haproxy.logs import SECRET, InMemoryFile, parse, rules_of, text

# When clocks were put back in 2001: the first of the two hours begins there. Lord Howe's clock goes back by half an hour.
TURNS = {
    "Europe/London": utc("2001-10-28 00:00"),
    "America/Havana": utc("2001-10-28 04:00"),
    "Australia/Lord_Howe": utc("2001-03-24 14:30"),
    "America/St_Johns": utc("2001-10-28 01:31"),
    "Asia/Tehran": utc("2001-09-21 19:30"),
}
MINUTE = 60_000
LENGTHS = [0, 5_000, 40_000, 600_000, 2_700_000, 7_200_000, 30_000_000]


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def written(start: datetime, lasting_ms: int, zone: str, prefix: str = "") -> str:
    stamp = start.astimezone(ZoneInfo(zone)).strftime("%d/%b/%Y:%H:%M:%S.%f")[:-3]
    return (
        f"{prefix}192.0.2.7:4711 [{stamp}] fe be/s1 0/0/0/0/{lasting_ms} 200 {lasting_ms} - - ---- 9/8/7/6/0 0/0 "
        '{VLC/3.0.20} "GET /acme.mp3 HTTP/1.1"'
    )


def starts(*files: InMemoryFile | bytes, zone: str) -> dict[int, datetime]:
    """When each request started, by its length (which is its size too)."""
    got = parse(*files, rules=rules_of(haproxy={"timezone": zone}))
    return {
        size: visit["first_at"] + timedelta(milliseconds=offset)
        for visit in got.visits
        for size, offset in zip(visit["sizes_bytes"], visit["offsets_ms"], strict=True)
    }


@st.composite
def nights(draw):
    """A zone, and lengths of requests with the silence after each one's end, in seconds, which repeat through the night.

    No silence is as long as what the clock goes back by, less the jitter: else nothing tells the two hours apart.
    """
    zone = draw(st.sampled_from(sorted(TURNS)))
    longest = 60 * (19 if zone == "Australia/Lord_Howe" else 49)
    return zone, draw(st.lists(st.tuples(st.sampled_from(LENGTHS), st.integers(40, longest)), min_size=1, max_size=30))


def requests_of(zone: str, night: list[tuple[int, int]]) -> list[tuple[datetime, int]]:
    """Requests (start, length) in the order of their ends, from before the change until after it; the first is certain."""
    end, requests = TURNS[zone] - timedelta(minutes=5), [(TURNS[zone] - timedelta(minutes=6), 999)]
    for number, (lasting, silence) in enumerate(cycle(night), 1):
        requests.append((end - timedelta(milliseconds=lasting + number), lasting + number))
        end += timedelta(seconds=silence)
        if end > TURNS[zone] + timedelta(hours=4):
            break
    return requests


@settings(max_examples=30, deadline=None)
@given(nights())
def test_a_log_through_the_hour_that_comes_twice_is_read_as_it_was(night):
    zone, requests = night[0], requests_of(*night)
    lines = [written(start, lasting, zone) for start, lasting in requests]
    assert starts(InMemoryFile(text(lines), "haproxy/a.log"), zone=zone) == {
        lasting: start for start, lasting in requests
    }


@settings(max_examples=12, deadline=None)
@given(nights(), st.lists(st.floats(0, 1), max_size=3))
def test_the_lines_of_a_log_give_the_same_dealt_over_several_files_in_one_run_or_in_many(night, shares):
    zone, requests = night[0], requests_of(*night)
    lines = [written(start, lasting, zone) for start, lasting in requests]
    cuts = [0, *sorted(round(share * len(lines)) for share in shares), len(lines)]
    files, earlier = [], None
    for number, (first, last) in enumerate(pairwise(cuts)):
        earlier = InMemoryFile(text(lines[first:last]), f"haproxy/{number}.log", earlier=earlier)
        files.append(earlier)
    truth = {lasting: start for start, lasting in requests}
    assert starts(*files, zone=zone) == truth
    alone = [starts(file, zone=zone) for file in reversed(files)]
    assert {size: at for instants in alone for size, at in instants.items()} == truth


def test_pieces_of_one_file_go_on_from_each_other(monkeypatch):
    monkeypatch.setattr(reading, "_CHUNK_BYTES", 1)
    begin = TURNS["Europe/London"] - timedelta(minutes=1)
    requests = [(begin + timedelta(minutes=20 * number), 1000 + number) for number in range(9)]
    lines = [written(*request, "Europe/London") for request in requests]

    class InPieces(InMemoryFile):
        def pieces(self):
            yield from (line.encode() + b"\n" for line in lines)

    instants = starts(InPieces(text(lines), "haproxy/a.log"), zone="Europe/London")
    assert instants == {lasting: start for start, lasting in requests}


def test_a_connection_of_hours_that_began_before_the_change_keeps_its_hour():
    short = [utc(f"2001-10-28 {at}") for at in ("00:10", "00:50", "01:10", "02:29", "02:31")]
    requests = [(start, 100 + number) for number, start in enumerate(short)]
    requests.insert(4, (utc("2001-10-28 00:30"), 7_200_000))
    lines = [written(*request, "Europe/London") for request in requests]
    instants = starts(InMemoryFile(text(lines), "haproxy/a.log"), zone="Europe/London")
    assert instants == {lasting: start for start, lasting in requests}


def test_where_nothing_tells_it_is_the_first_of_the_two():
    line = written(utc("2001-10-28 01:30"), 5, "Europe/London")
    assert starts(InMemoryFile(text([line]), "haproxy/a.log"), zone="Europe/London") == {5: utc("2001-10-28 00:30")}


def test_a_file_of_another_time_or_host_that_stands_before_tells_nothing():
    zone, first = "Europe/London", utc("2001-10-28 00:20")
    doubtful = text([written(first, 5, zone, "Oct 28 01:20:00 edge-01 haproxy[1]: ")])
    for start, host in (("2001-10-28 05:00", "edge-01"), ("2001-10-28 00:59", "edge-02")):
        line = written(utc(start), 7, zone, f"Oct 28 01:59:00 {host} haproxy[1]: ")
        before = InMemoryFile(text([line]), "haproxy/a.log")
        assert starts(InMemoryFile(doubtful, "haproxy/b.log", earlier=before), zone=zone) == {5: first}


def test_a_syslog_header_with_a_zone_settles_it_and_leaves_no_doubt():
    start = utc("2001-10-28 01:30")
    line = written(start, 5, "Europe/London", "2001-10-28T01:30:00.005+00:00 edge-01 haproxy[1]: ")
    got = parse(InMemoryFile(text([line]), "haproxy/a.log"), rules=rules_of(haproxy={"timezone": "Europe/London"}))
    assert [(visit["first_at"], visit["is_time_doubtful"]) for visit in got.visits] == [(start, False)]


def minutes(low: int, high: int | None = None, following: int | None = None) -> Line:
    return Line(low * MINUTE, (low if high is None else high) * MINUTE, following and following * MINUTE)


@pytest.mark.parametrize(("lines", "before", "is_high"), [
    ([minutes(20, 80)], 50, [True]),                                      # it can't have ended 30 minutes before
    ([minutes(41, 101)], 50, [False]),                                    # but 9, which is jitter
    ([minutes(20, 80, following=60)], 50, [False]),                       # not beyond the certain line behind it
    ([minutes(20, 80, following=71)], 50, [True]),                        # jitter again
    ([minutes(50, 110), minutes(5, 65), minutes(55, 115)], None, [False, True, False]),
    ([minutes(0), minutes(50_000), minutes(20, 80)], None, [False] * 3),  # a certain line of another month hides nothing
    ([minutes(0), minutes(50, 110), minutes(-50_000), minutes(5, 65)], None, [False, False, False, True]),
])  # fmt: skip
def test_each_line_is_put_between_its_neighbours(lines, before, is_high):
    assert later(lines, None if before is None else before * MINUTE) == is_high
