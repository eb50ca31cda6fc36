"""The instant of a line: the best of its dates, zones, the nights of the clock changes, and misleading lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.sources.haproxy import clock
from metrics_lake.sources.haproxy.clock import FileTimes

Read = Callable[..., list[dict[str, Any]]]


@pytest.mark.parametrize(
    ("string", "line", "at"),
    [
        ("%ci %tr", "192.0.2.7 15/Jan/2001:16:10:25.353", "14:10:25.353"),
        ("%ci %t", "192.0.2.7 15/Jan/2001:16:10:25.353", "14:10:25.353"),
        ("%ci %trg", "192.0.2.7 15/Jan/2001:16:10:25 +0000", "16:10:25.000"),
        ("%ci %trl", "192.0.2.7 15/Jan/2001:16:10:25 -0330", "19:40:25.000"),
        ("%ci %trg %tr", "192.0.2.7 15/Jan/2001:16:10:25 +0000 15/Jan/2001:18:10:25.353", "16:10:25.353"),
        ("%ci %Ts.%ms", "192.0.2.7 979575025.003", "16:10:25.003"),
        ("%ci %Ts", "192.0.2.7 979575025", "16:10:25.000"),
        ("%ci %T.%ms", "192.0.2.7 15/Jan/2001:16:10:25 +0000.003", "16:10:25.003"),
        ("%ci %Ts.%ms %tr", "192.0.2.7 979575025.003 15/Jan/2001:21:55:28.100", "16:10:28.100"),
        ("%ci %T %tr", "192.0.2.7 15/Jan/2001:16:10:25 +0000 15/Jan/2001:11:10:28.100", "16:10:28.100"),
        ("%ci %[request_date(ms)] %tr", "192.0.2.7 979575025003 15/Jan/2001:18:10:25.353", "16:10:25.003"),
        ("%ci %Ts.%ms %Th/%Ti/%Ta", "192.0.2.7 979575025.003 10/2000/5", "16:10:27.013"),
        ("%ci %Ts.%ms %Th/%Ti/%Ta", "192.0.2.7 979575025.003 10/-1/5", "16:10:25.013"),
        ("%ci %Ts.%ms %Th/%Ti/%Tu", "192.0.2.7 979575025.003 10/2000/5", "16:10:27.003"),
        ("%ci %Ts.%ms %Th/%Ti/%Tt", "192.0.2.7 979575025.003 10/2000/5", "16:10:25.003"),
    ],
)
def test_the_best_of_a_lines_dates_is_its_instant(read: Read, string: str, line: str, at: str) -> None:
    (row,) = read(line, formats={"*": string}, timezone="Africa/Johannesburg")
    assert row["at"] == f"2001-01-15T{at}Z"


@pytest.mark.parametrize("minutes", [-720, -210, -60, 0, 60, 330, 345, 840])
def test_an_epoch_beside_a_naive_stamp_gives_the_zone(read: Read, minutes: int) -> None:
    accepted = datetime(2001, 1, 15, 16, 10, 25, tzinfo=timezone.utc)
    started = [accepted + timedelta(seconds=idle, milliseconds=7) for idle in (-1, 0, 3, 400, 800)]
    local = [(at + timedelta(minutes=minutes)).strftime("%d/%b/%Y:%H:%M:%S.007") for at in started]
    texts = [f"192.0.2.7 979575025.000 {stamp}" for stamp in local]
    rows = read(*texts, formats={"*": "%ci %Ts.%ms %tr"}, timezone="Asia/Kathmandu")
    assert [row["at"] for row in rows] == [at.strftime("%Y-%m-%dT%H:%M:%S.007Z") for at in started]


def _logged(walls: list[tuple[str, int]]) -> pl.DataFrame:
    """Requests of one file, in the order of its lines, from stamps and durations in milliseconds."""
    stamps = [datetime.strptime(wall, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc) for wall, _ in walls]
    return pl.DataFrame({
        "file_number": 0, "line_number": range(1, len(walls) + 1), "text": "", "accepted_ms":
        [round(stamp.timestamp() * 1000) for stamp in stamps], "duration_ms": [duration for _, duration in walls],
    })  # fmt: skip


def _instants(frame: pl.DataFrame, zone: str, files: FileTimes | None = None) -> list[str]:
    timed = clock.to_utc(frame, zone, files)
    return timed.select(pl.from_epoch("accepted_ms", time_unit="ms").dt.strftime("%H:%M:%S")).to_series().to_list()


def test_the_hour_that_occurs_twice_is_decided_by_where_ends_decrease() -> None:
    night = _logged(
        [("2001-10-28 00:59:59", 5), ("2001-10-28 01:59:58", 5), ("2001-10-28 01:00:01", 5), ("2001-10-28 01:40:00", 5)]
    )
    assert _instants(night, "America/New_York") == ["04:59:59", "05:59:58", "06:00:01", "06:40:00"]
    assert clock.to_utc(night, "America/New_York")["is_time_doubtful"].to_list() == [False, True, True, True]


def test_a_long_listen_through_the_night_is_put_by_its_end() -> None:
    night = _logged([("2001-10-28 01:50:00", 5), ("2001-10-28 01:10:00", 3_000_000), ("2001-10-28 01:20:00", 5)])
    assert _instants(night, "America/New_York") == ["05:50:00", "05:10:00", "06:20:00"]


def test_a_file_that_begins_in_the_second_of_the_two_hours_is_decided_by_the_next_lines() -> None:
    night = _logged([("2001-10-28 01:10:00", 5), ("2001-10-28 01:50:00", 5), ("2001-10-28 02:00:01", 5)])
    assert _instants(night, "America/New_York") == ["06:10:00", "06:50:00", "07:00:01"]


def test_a_chunk_in_the_midst_of_a_file_goes_on_from_the_one_before() -> None:
    files = FileTimes(paths={0: "haproxy/a.log"})
    first = _logged([("2001-10-28 01:59:58", 5), ("2001-10-28 01:00:01", 5)])
    later = _logged([("2001-10-28 01:20:00", 5), ("2001-10-28 01:30:00", 5)])
    assert _instants(first, "America/New_York", files) == ["05:59:58", "06:00:01"]
    assert _instants(later, "America/New_York", files) == ["06:20:00", "06:30:00"]
    assert _instants(later, "America/New_York") == ["05:20:00", "05:30:00"]


def test_an_absurd_date_in_between_puts_no_other_line_in_the_wrong_hour() -> None:
    walls = ["10-28 00:59:59", "10-28 01:10:00", "10-28 01:59:58", "10-28 01:00:01", "10-28 01:30:00"]
    night = _logged([(f"2001-{walls[0]}", 5), ("2099-01-01 00:00:00", 5), *((f"2001-{wall}", 5) for wall in walls[1:])])
    files = FileTimes(paths={0: "haproxy/a.log"})
    instants = _instants(night, "America/New_York", files)
    assert [*instants[:1], *instants[2:]] == ["04:59:59", "05:10:00", "05:59:58", "06:00:01", "06:30:00"]
    assert datetime.fromtimestamp(files.ends["haproxy/a.log"] / 1000, timezone.utc).year == 2001


def test_a_stamp_of_the_hour_that_never_comes_goes_on_from_its_neighbours() -> None:
    stays = _logged([("2001-04-01 01:59:59", 5), ("2001-04-01 02:15:00", 5), ("2001-04-01 02:59:00", 5)])
    assert _instants(stays, "America/New_York") == ["06:59:59", "07:15:00", "07:59:00"]
    leads = _logged([("2001-04-01 02:50:00", 5), ("2001-04-01 03:00:01", 5)])
    assert _instants(leads, "America/New_York") == ["06:50:00", "07:00:01"]


def test_lines_with_an_offset_of_their_own_are_never_in_doubt() -> None:
    night = _logged([("2001-10-28 01:30:00", 5)]).with_columns(is_utc=pl.lit(True))
    timed = clock.to_utc(night, "America/New_York")
    assert timed["is_time_doubtful"].to_list() == [False]
    assert timed["accepted_ms"].to_list() == night["accepted_ms"].to_list()


_ZONES = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Africa/Johannesburg",
    "Asia/Kathmandu",
]


@given(st.sampled_from(_ZONES), st.integers(0, 730 * 24 * 60), st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_a_busy_log_comes_back_as_it_was_through_every_night_of_the_year(
    zone: str, start: int, steps: list[int]
) -> None:
    """A day's worth of lines before, so that the file isn't in doubt from its first line on; never quiet for long."""
    instant = datetime(2001, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=start - 24 * 60)
    instants = [instant + timedelta(minutes=5 * number) for number in range(288)]
    for step in steps:
        instants.append(instants[-1] + timedelta(seconds=step))
    walls = [(at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S"), 0) for at in instants]
    assert _instants(_logged(walls), zone) == [at.strftime("%H:%M:%S") for at in instants]
