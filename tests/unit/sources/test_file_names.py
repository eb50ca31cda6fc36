"""The hour in a file's name stands right behind its date; a number anywhere else is none."""

from __future__ import annotations

import pytest

from metrics_lake.sources.file_names import is_of_unknown_kind, named_at
from tests.unit.drawing import rows

HOURS = """
    path                                            | hour  | why
    haproxy-20010115-17-edge01.log                  | 17    | a machine's number stands behind it
    haproxy-20010115-17-edge-01.log.gz              | 17    | the same, behind a hyphen
    haproxy_2001-01-15_17_lb02_443.log              | 17    | two numbers behind it
    haproxy-20010115-17.edge-23.log                 | 17    | behind a dot
    haproxy-20010115-1700-node12.log                | 17    | with its minutes
    haproxy.log-20010115-16                         | 16    | logrotate's dateext
    haproxy.log-2001011516.gz                       | 16    | glued
    haproxy-2001-01-15T16.log                       | 16    | ISO 8601
    haproxy-2001-01-15T16+0100.log                  | 15    | with an offset, which is no minute
    edge-20010115T16-0500.log.gz                    | 21    | to the west
    edge-20010115T160000+05:30.log                  | 10    | of half an hour: the hour in which it begins
    edge-20010115T16:00:00Z.log                     | 16    | with seconds
    edge-20010115T170001Z.log                       | 17    | a rotation a second late
    edge-20010115-17-00-01.log                      | 17    | the same
    2001/01/15/17/edge-01.log                       | 17    | an hour's folder
    2001-01-15/17/edge-22.log                       | 17    | the same
    2001/01/15/haproxy-17-00.log.gz                 | 17    | a day's folder, and the hour with minutes
    2001/01/15/edge01-17-00.log                     | 17    | behind a machine
    2001/01/15/edge-01/haproxy-17.log               | 17    | behind the program's name
    2001/01/15/haproxy-20010115-17.log              | 17    | the date twice
    y=2001/m=01/d=15/h=17/m=00/PT1H.json            | 17    | as Azure's diagnostics write it
    year=2001/month=01/day=15/hour=17/part-00.log   | 17    | as Hive does
    haproxy-20010115-17.log.1                       | 17    | a number of rotation
    """
NONE = """
    path                                  | unknown | why
    haproxy-20010115-edge01-17.log        | yes     | not right behind the date
    haproxy-edge-17-20010115.log          | yes     | before it
    haproxy-20010115-1730.log             | yes     | no full hour
    haproxy-20010115-17-30-00.log         | yes     | the same
    haproxy-20010115-17-01.log            | yes     | minutes, or a machine
    haproxy-20010115-24.log               | yes     | no hour
    2001/01/15/edge-07.log                | yes     | a machine's number in a day's folder
    2001/01/15/node-12-a.log              | yes     | the same
    haproxy-979570800.log                 | yes     | seconds since 1970
    haproxy-15-01-2001-17.log             | yes     | the date the other way round
    haproxy.log-17                        | yes     | without a date
    haproxy-20010115.log                  |         | a day alone
    haproxy-20010115-edge01.log           |         | a day, and a machine
    haproxy.log                           |         | neither
    haproxy.log.12.gz                     |         | a number of rotation
    edge01.log                            |         | a machine
    """


@pytest.mark.parametrize("row", rows(HOURS), ids=lambda row: row["path"])
def test_an_hour_stands_right_behind_its_date(row):
    at = named_at(f"haproxy/edge-01/{row['path']}", "UTC")
    assert at is not None and f"{at:%Y-%m-%d %H:%M}" == f"2001-01-15 {row['hour']}:00", row["why"]
    assert not is_of_unknown_kind(f"haproxy/edge-01/{row['path']}")


@pytest.mark.parametrize("row", rows(NONE), ids=lambda row: row["path"])
def test_a_number_anywhere_else_is_no_hour_and_a_name_of_no_known_kind_is_said_to_be_one(row):
    path = f"haproxy/edge-01/{row['path']}"
    assert named_at(path, "UTC") is None, row["why"]
    assert is_of_unknown_kind(path) == bool(row["unknown"]), row["why"]


def test_an_hour_without_an_offset_is_of_the_zone_of_the_machine():
    assert f"{named_at('haproxy/a/x-20010115-17-edge01.log', 'Africa/Johannesburg'):%H}" == "15"
    assert f"{named_at('haproxy/a/x-20010115T17Z.log', 'Africa/Johannesburg'):%H}" == "17"
