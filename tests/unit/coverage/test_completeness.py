"""Up to when everything has arrived: hours by name and by lines, gaps, empty hours, and several proxies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.coverage.completeness import Coverage, Proxy, arrivals, coverage_of
from metrics_lake.coverage.hours import HOUR
from tests.unit.drawing import rows, utc


def of(drawn: str, expected=(), zone="UTC"):
    """What a table of files comes to; without a path a file's name tells no hour, without a status it was read."""
    found = [
        (row["proxy"], row.get("path") or f"haproxy/{row['proxy']}/x.log", row.get("status") or "read",
         row.get("first"), row.get("last"))
        for row in rows(drawn)
    ]  # fmt: skip
    return coverage_of(arrivals(found), expected, zone)


BY_LINES = {
    "one hour after the other": """
        proxy | first               | last
        a     | 2001-01-15 10:00:01 | 2001-01-15 10:59:59
        a     | 2001-01-15 11:00:00 | 2001-01-15 11:59:00
        """,
    "a gap, after which nothing counts": """
        proxy | first               | last
        a     | 2001-01-15 11:00:00 | 2001-01-15 11:59:00
        a     | 2001-01-15 13:00:00 | 2001-01-15 13:59:00
        a     | 2001-01-15 14:00:00 | 2001-01-15 14:59:00
        """,
    "a file that stands for several hours, and begins another": """
        proxy | first               | last
        a     | 2001-01-15 08:30:00 | 2001-01-15 12:10:00
        """,
    "a quiet hour with one request, that the next hour follows": """
        proxy | first               | last
        a     | 2001-01-15 11:30:00 | 2001-01-15 11:30:00
        a     | 2001-01-15 12:20:00 | 2001-01-15 12:20:00
        """,
    "a rotation some ms late, which takes the first request of the next hour": """
        proxy | first               | last
        a     | 2001-01-15 10:00:01 | 2001-01-15 11:00:00.300
        a     | 2001-01-15 11:00:02 | 2001-01-15 12:00:00.300
        """,
    "the same before a missing hour": """
        proxy | first               | last
        a     | 2001-01-15 11:00:01 | 2001-01-15 12:00:00.300
        a     | 2001-01-15 13:00:00 | 2001-01-15 13:59:59
        """,
    "a request of the hour before, logged a moment after rotation": """
        proxy | first               | last
        a     | 2001-01-15 10:59:59.998 | 2001-01-15 11:59:59
        """,
    "a long file over short ones": """
        proxy | first               | last
        a     | 2001-01-15 08:00:00 | 2001-01-15 11:58:00
        a     | 2001-01-15 09:00:00 | 2001-01-15 09:30:00
        """,
    "two proxies, one of them behind": """
        proxy | first               | last
        a     | 2001-01-15 10:00:00 | 2001-01-15 13:59:00
        b     | 2001-01-15 10:00:00 | 2001-01-15 12:20:00
        """,
    "two proxies whose gaps don't help each other": """
        proxy | first               | last
        a     | 2001-01-15 10:00:00 | 2001-01-15 11:59:00
        a     | 2001-01-15 13:00:00 | 2001-01-15 13:59:00
        b     | 2001-01-15 10:00:00 | 2001-01-15 14:59:00
        """,
    "the same hour twice": """
        proxy | first               | last
        a     | 2001-01-15 11:00:00 | 2001-01-15 11:59:00
        a     | 2001-01-15 11:00:00 | 2001-01-15 11:59:00
        """,
    "over midnight": """
        proxy | first               | last
        a     | 2001-01-14 22:00:00 | 2001-01-14 23:59:00
        a     | 2001-01-15 00:00:00 | 2001-01-15 11:59:00
        """,
}
NAMED = {
    "names of the rotation's hour": """
        proxy | path                                    | first               | last
        a     | haproxy/a/2001/01/15/haproxy-11-00.log.gz | 2001-01-15 10:00:01 | 2001-01-15 10:20:00
        a     | haproxy/a/2001/01/15/haproxy-12-00.log.gz | 2001-01-15 11:10:00 | 2001-01-15 11:10:00
        """,
    "a last hour with one request at its start": """
        proxy | path                                | first               | last
        a     | haproxy/a/haproxy.log-20010115-12.gz | 2001-01-15 11:00:01 | 2001-01-15 11:00:01
        """,
    "names of the hour's start": """
        proxy | path                              | first               | last
        a     | haproxy/a/haproxy-2001-01-15-10.log | 2001-01-15 10:00:01 | 2001-01-15 10:20:00
        a     | haproxy/a/haproxy-2001-01-15-11.log | 2001-01-15 11:10:00 | 2001-01-15 11:10:00
        """,
    "a file rotated twenty minutes late claims no more than its hour": """
        proxy | path                                | first               | last
        a     | haproxy/a/haproxy-2001-01-15-11.log | 2001-01-15 10:00:01 | 2001-01-15 11:00:01
        a     | haproxy/a/haproxy-2001-01-15-12.log | 2001-01-15 11:10:00 | 2001-01-15 12:20:00
        """,
    "an hour whose file came empty": """
        proxy | path                                    | status | first               | last
        a     | haproxy/a/2001/01/15/haproxy-11-00.log.gz |      | 2001-01-15 10:00:01 | 2001-01-15 10:59:58
        a     | haproxy/a/2001/01/15/haproxy-12-00.log.gz | empty |                    |
        """,
    "an hour in which every line was refused": """
        proxy | path                                    | status | first               | last
        a     | haproxy/a/2001/01/15/haproxy-11-00.log.gz |      | 2001-01-15 10:00:01 | 2001-01-15 10:59:58
        a     | haproxy/a/2001/01/15/haproxy-12-00.log.gz | read |                     |
        """,
    "a file that can't be read is no hour received": """
        proxy | path                                    | status      | first          | last
        a     | haproxy/a/2001/01/15/haproxy-12-00.log.gz |        | 2001-01-15 11:00:01 | 2001-01-15 11:59:58
        a     | haproxy/a/2001/01/15/haproxy-13-00.log.gz | quarantined |                |
        """,
    "a copy of another file is not the hour that it is named after": """
        proxy | path                                    | status    | first            | last
        a     | haproxy/a/2001/01/15/haproxy-12-00.log.gz |      | 2001-01-15 11:00:01 | 2001-01-15 11:59:58
        a     | haproxy/a/2001/01/15/haproxy-13-00.log.gz | duplicate |                  |
        """,
    "the file of midnight lies with the next day": """
        proxy | path                                    | status | first               | last
        a     | haproxy/a/2001/01/15/haproxy-00-00.log.gz |      | 2001-01-14 23:00:01 | 2001-01-14 23:10:58
        a     | haproxy/a/2001/01/15/haproxy-01-00.log.gz |      | 2001-01-15 00:00:01 | 2001-01-15 11:59:58
        """,
    "an empty file belongs to the proxy that its folder's other files name": """
        proxy | path                                     | status | first               | last
        lb1   | haproxy/e/2001/01/15/haproxy-11-00.log.gz |       | 2001-01-15 10:00:01 | 2001-01-15 10:10:58
        e     | haproxy/e/2001/01/15/haproxy-12-00.log.gz | empty |                     |
        """,
    "a number that is no hour by what its lines say": """
        proxy | path                                | first               | last
        a     | haproxy/a/2001/01/15/edge-07.log    | 2001-01-15 10:00:01 | 2001-01-15 11:58:00
        """,
    "an hour's folder": """
        proxy | path                                | first               | last
        a     | haproxy/2001-01-15/11/edge.log      | 2001-01-15 11:20:01 | 2001-01-15 11:30:00
        """,
}  # fmt: skip


@pytest.mark.parametrize("kind", BY_LINES)
def test_data_is_complete_through_the_last_hour_before_a_gap(kind):
    assert of(BY_LINES[kind]).complete_through == utc("2001-01-15 12:00")


@pytest.mark.parametrize("kind", NAMED)
def test_a_file_named_after_an_hour_stands_for_it_whatever_it_holds(kind):
    assert of(NAMED[kind]).complete_through == utc("2001-01-15 12:00")


def test_names_are_read_in_the_zone_that_the_proxy_s_machine_is_in():
    drawn = "proxy | path | status | first | last\n a | haproxy/a/haproxy.log-20010115-14 | empty | |"
    assert of(drawn, zone="Africa/Johannesburg").complete_through == utc("2001-01-15 12:00")


def test_one_request_is_not_an_hour_received():
    drawn = "proxy | first | last\n a | 2001-01-15 12:10:00 | 2001-01-15 12:10:00"
    assert of(drawn).complete_through == utc("2001-01-15 12:00")


def test_before_the_first_file_nothing_is_complete():
    assert of("proxy | first | last").complete_through is None
    assert coverage_of([], ["a"]).complete_through is None


def test_a_late_hour_closes_the_gap():
    drawn = BY_LINES["a gap, after which nothing counts"]
    late = drawn.rstrip() + "\n a | 2001-01-15 12:00:00 | 2001-01-15 12:10:00"
    assert of(late).complete_through == utc("2001-01-15 15:00")


def test_an_empty_hour_is_told_from_a_missing_one():
    [proxy] = of("""
        proxy | path                                   | status | first               | last
        a     | haproxy/a/haproxy.log-20010115-10      |        | 2001-01-15 09:00:00 | 2001-01-15 09:59:00
        a     | haproxy/a/haproxy.log-20010115-11      | empty  |                     |
        a     | haproxy/a/haproxy.log-20010115-13      |        | 2001-01-15 12:00:00 | 2001-01-15 12:59:00
        """).proxies
    assert [proxy.hours_of_kind(kind) for kind in ("received", "empty", "missing")] == [
        [utc("2001-01-15 09:00"), utc("2001-01-15 12:00")], [utc("2001-01-15 10:00")], [utc("2001-01-15 11:00")],
    ]  # fmt: skip


BEHIND = BY_LINES["two proxies, one of them behind"]


def test_a_proxy_out_of_service_holds_nothing_back_once_it_is_not_expected():
    assert of(BEHIND, ["a"]).complete_through == utc("2001-01-15 14:00")


def test_a_proxy_that_is_expected_and_silent_holds_everything_back():
    found = of(BEHIND, ["a", "c"])
    assert (found.complete_through, found.silent) == (utc("2001-01-15 10:00"), ("c",))


@pytest.mark.parametrize(("expected", "start", "end", "share"), [
    ((), "2001-01-15 11:00", "2001-01-15 15:00", 0.25),      # 12:00 of four hours
    ((), "2001-01-15 00:00", "2001-01-16 00:00", 0.25),      # neither before the first hour nor after the last
    ((), "2001-01-15 13:00", "2001-01-15 14:00", 0.0),
    ((), "2001-01-16 13:00", "2001-01-16 14:00", 0.0),
    (("b",), "2001-01-15 11:00", "2001-01-15 15:00", 0.0),   # nobody awaits a
])  # fmt: skip
def test_the_share_that_is_missing_is_of_the_hours_awaited(expected, start, end, share):
    drawn = BY_LINES["a gap, after which nothing counts"]
    assert of(drawn, expected).missing_share(utc(start), utc(end)) == share


@given(st.permutations(rows(NAMED["an hour whose file came empty"])))
def test_the_order_in_which_files_come_does_not_matter(files):
    found = [(row["proxy"], row["path"], row["status"] or "read", row["first"], row["last"]) for row in files]
    assert coverage_of(arrivals(found)).complete_through == utc("2001-01-15 12:00")


# --- gaps that are given up ------------------------------------------------------------------------------------------

GAP = BY_LINES["a gap, after which nothing counts"]
SILENCE = BY_LINES["two proxies, one of them behind"]
UNFINISHED = """
    proxy | first               | last
    a     | 2001-01-15 10:00:00 | 2001-01-15 12:20:00
    a     | 2001-01-15 14:00:00 | 2001-01-15 14:59:00
    """
LAST_UNFINISHED = """
    proxy | first               | last
    a     | 2001-01-15 10:00:00 | 2001-01-15 12:20:00
    """


@pytest.mark.parametrize(("drawn", "expected", "given_up", "through"), [
    (GAP,             (),         "2001-01-15 12:59", "2001-01-15 12:00"),  # the lost hour ended at 13:00
    (GAP,             (),         "2001-01-15 13:00", "2001-01-15 15:00"),
    (GAP,             (),         "2001-02-15 13:00", "2001-01-15 15:00"),  # the clock alone brings no data
    (SILENCE,         (),         "2001-01-15 13:00", "2001-01-15 13:00"),  # b has been silent since 12:20
    (SILENCE,         (),         "2001-01-15 14:00", "2001-01-15 14:00"),
    (SILENCE,         ("b",),     "2001-01-15 14:00", "2001-01-15 13:00"),
    (SILENCE,         ("a", "c"), "2001-01-15 12:00", "2001-01-15 12:00"),  # c never sent
    (SILENCE,         ("a", "c"), "2001-01-15 20:00", "2001-01-15 14:00"),
    (SILENCE,         ("c",),     "2001-01-15 20:00", "2001-01-15 10:00"),  # who alone is expected has sent nothing
    (UNFINISHED,      (),         "2001-01-15 13:00", "2001-01-15 13:00"),
    (UNFINISHED,      (),         "2001-01-15 14:00", "2001-01-15 15:00"),
    (LAST_UNFINISHED, (),         "2001-01-15 12:00", "2001-01-15 12:00"),
])  # fmt: skip
def test_a_missing_hour_that_is_given_up_holds_nothing_back(drawn, expected, given_up, through):
    assert replace(of(drawn, expected), given_up_through=utc(given_up)).complete_through == utc(through)


@pytest.mark.parametrize(("drawn", "expected", "through"), [
    (GAP, (), "2001-01-15 15:00"), (SILENCE, (), "2001-01-15 14:00"), (SILENCE, ("b",), "2001-01-15 13:00"),
    (SILENCE, ("a", "c"), "2001-01-15 14:00"),
])  # fmt: skip
def test_data_is_received_through_the_last_hour_of_any_expected_proxy_whatever_is_missing_before(
    drawn, expected, through
):
    assert of(drawn, expected).received_through == utc(through)


def test_before_an_expected_proxy_has_sent_nothing_is_received():
    assert of(SILENCE, ["c"]).received_through == utc("2001-01-15 10:00") and of(SILENCE, ["c"]).received_hours == []
    assert coverage_of([]).received_through is None


def test_gaps_are_told_by_proxy_and_those_given_up_apart():
    behind = replace(of(SILENCE, ["a", "b", "c"]), given_up_through=utc("2001-01-15 13:00"))
    hours = [utc(f"2001-01-15 {hour}:00") for hour in range(10, 14)]
    assert behind.gaps == {"b": hours[2:], "c": hours}
    assert behind.given_up == {"b": hours[2:3], "c": hours[:3]}


@given(st.sets(st.integers(0, 40), min_size=1), st.integers(-5, 60))
def test_what_is_complete_lies_between_the_first_gap_and_the_last_hour_and_rises_with_the_clock(numbers, clock):
    start = utc("2001-01-15 00:00")
    hours = {start + HOUR * n: "received" if n in numbers else "missing" for n in range(min(numbers), max(numbers) + 1)}
    received = Coverage((Proxy("a", True, hours),))
    through = [
        replace(received, given_up_through=start + HOUR * at).complete_through for at in (clock, clock + 1, 10**4)
    ]
    assert received.complete_through <= through[0] <= through[1] <= through[2] == received.received_through
