"""Hours by proxy: received, missing between the first and the last, and files that came twice."""

from __future__ import annotations

import polars as pl

from metrics_lake.cli.completeness import hours_by_proxy
from tests.unit.drawing import rows, utc

FILES = """
    proxy | status      | first_logged_at     | last_logged_at
    a     | read        | 2001-01-15 10:00:00 | 2001-01-15 10:59:00
    a     | read        | 2001-01-15 12:30:00 | 2001-01-15 13:10:00
    a     | duplicate   |                     |
    a     | empty       |                     |
    b     | read        | 2001-01-15 23:10:00 | 2001-01-16 01:20:00
    c     | quarantined |                     |
    """


def test_hours_are_counted_for_each_proxy_apart():
    told = {row["proxy"]: row for row in hours_by_proxy(pl.DataFrame(rows(FILES))).to_dicts()}
    assert list(told) == ["a", "b"], "a proxy of which nothing was read has no hours"
    assert told["a"] == {
        "proxy": "a", "first_hour": utc("2001-01-15 10:00"), "last_hour": utc("2001-01-15 13:00"),
        "received": 3, "missing": 1, "files_doubled": 1,
    }  # fmt: skip
    assert (told["b"]["received"], told["b"]["missing"], told["b"]["files_doubled"]) == (3, 0, 0)
