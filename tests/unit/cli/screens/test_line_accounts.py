"""Hours by proxy: received, empty, missing between the first and the last, and files that came twice."""

from __future__ import annotations

import polars as pl

from metrics_lake.cli.screens.line_accounts import hours_by_proxy
from metrics_lake.cli.screens.missing_hours import hour_spans
from metrics_lake.coverage.completeness import arrivals, coverage_of
from tests.unit.drawing import rows, utc

FILES = """
    proxy | path                              | status      | first_logged_at     | last_logged_at
    a     | haproxy/a/haproxy.log-20010115-11 | read        | 2001-01-15 10:00:00 | 2001-01-15 10:59:00
    a     | haproxy/a/haproxy.log-20010115-14 | read        | 2001-01-15 13:02:00 | 2001-01-15 13:40:00
    a     | haproxy/a/again.log               | duplicate   |                     |
    a     | haproxy/a/haproxy.log-20010115-13 | empty       |                     |
    b     | haproxy/b/b.log                   | read        | 2001-01-15 23:10:00 | 2001-01-16 01:20:00
    c     | haproxy/c/haproxy.log-20010115-11 | quarantined |                     |
    """


def test_hours_are_counted_for_each_proxy_apart():
    found = coverage_of(arrivals([tuple(row.values()) for row in rows(FILES)]), ["a"])
    told = {row["proxy"]: row for row in hours_by_proxy(found, pl.DataFrame(rows(FILES))).to_dicts()}
    assert list(told) == ["a", "b"], "a proxy of which nothing was read has no hours"
    assert told["a"] == {
        "proxy": "a", "expected": "yes", "first_hour": utc("2001-01-15 10:00"), "last_hour": utc("2001-01-15 13:00"),
        "received": 2, "empty": 1, "missing": 1, "through": utc("2001-01-15 11:00"), "files_doubled": 1,
    }  # fmt: skip
    assert [told["b"][name] for name in ("expected", "received", "missing", "files_doubled")] == ["no", 2, 0, 0]


def test_missing_hours_that_follow_each_other_are_told_as_one_stretch():
    hours = [utc("2001-01-15 10:00"), utc("2001-01-15 22:00"), utc("2001-01-15 23:00"), utc("2001-01-16 00:00")]
    assert hour_spans(hours) == ["2001-01-15 10:00 to 11:00", "2001-01-15 22:00 to 2001-01-16 01:00"]
