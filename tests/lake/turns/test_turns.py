"""Small logs around the turns of clocks and calendars: however they are dealt, all tables and JSON are the same.

Six in `make test`, two hundred with `make slow-test`. Each is drawn by its number, which a failure tells beside the least
log that still fails; `drawn(number)` gives it again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.rebuild import rebuild
from metrics_lake.jobs.run import run
from tests.lake.contents import differences, whole
from tests.lake.turns import expected, turns
from tests.lake.turns.drawing import MINUTE, Case, Line, drawn

_TRIES = 60  # of a smaller log, once one has failed
_FAST = (2, 4, 6, 7, 9, 1070)  # 4, 6 and 1070 find a reach by the shorter gap, weeks of others that go, and wall clocks
_PART = 10
Way = Callable[..., JobContext]


def lake(case: Case, way: Way, folder: Path, runs: Any) -> JobContext:
    """The lake of a case whose files come so."""
    landing = folder / "landing" / "haproxy" / "edge-01"
    landing.mkdir(parents=True)
    (folder / "tenants.yaml").write_text(yaml.safe_dump(case.tenants))
    more = [f"{key}={value}" for key, value in case.settings.items()]
    work = way(folder, folder / "landing", folder / "tenants.yaml", f"haproxy.timezone={case.clock}", *more)
    numbers = itertools.count()
    for files in runs:
        for lines in files:
            (landing / f"{next(numbers)}.log").write_text(case.file(lines))
        run(work)
    return work


def wrong(case: Case, ways: tuple[Way, Way], folders: Iterator[Path], *, is_rebuilt: bool = False) -> dict[str, Any]:
    """What is wrong with a case: sessions that plain Python has not or has, and where the dealt lake differs."""
    at_once = lake(case, ways[0], next(folders), [[case.lines]])
    right, found = expected.expected(case), expected.found(at_once)
    if right != found:
        return {"sessions": ([row for row in right if row not in found], [row for row in found if row not in right])}
    dealt = lake(case, ways[1], next(folders), case.runs)
    if is_rebuilt:
        rebuild(dealt)
    return differences(whole(at_once), whole(dealt))


def check(case: Case, ways: tuple[Way, Way], folder: Path, *, is_rebuilt: bool = False) -> None:
    folders = (folder / str(number) for number in itertools.count())
    if not wrong(case, ways, folders, is_rebuilt=is_rebuilt):
        return
    least = smallest(case, lambda smaller: bool(wrong(smaller, ways, folders, is_rebuilt=is_rebuilt)))
    told = [f"number {case.number}, clock {case.clock}, {case.calendars}, {case.settings}", *map(repr, least.lines)]
    told += [
        "came as:",
        *(repr([[least.lines.index(line) for line in file] for file in files]) for files in least.runs),
    ]
    apart = wrong(least, ways, folders, is_rebuilt=is_rebuilt)
    pytest.fail(
        "\n".join([*told, f"differ: {', '.join(apart)}", *(f"{place}: {apart[place]}"[:900] for place in apart)][:40])
    )


def smallest(case: Case, fails: Callable[[Case], bool]) -> Case:
    """A case that fails still, with as many lines left out as can be."""
    tries = itertools.count()
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for line in case.lines if len(case.lines) > 1 else ():
            if next(tries) < _TRIES and fails(smaller := case.without(line)):
                case, is_smaller = smaller, True
                break
    return case


@pytest.mark.parametrize("number", [*_FAST, *(pytest.param(number, marks=pytest.mark.slow) for number in (1, 3, 5, 8))])
def test_a_log_around_a_turn_of_the_clock_gives_the_same_however_it_comes(
    number: int, small_in: Way, tmp_path: Path
) -> None:
    check(drawn(number), (small_in, small_in), tmp_path)


@pytest.mark.parametrize("way", ["small_in", pytest.param("by_spark_in", marks=pytest.mark.slow)])
def test_a_session_across_a_day_that_never_was_lies_in_the_days_beside_it(
    way: str, small_in: Way, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    case = drawn(1)
    _, turn = turns.SKIPPED
    across = Line("acme", "fm", 0, "VLC/3.0.20", round(turn.timestamp() * 1000) - MINUTE, 5 * MINUTE)
    calendars = {"acme": {"timezone": turns.SKIPPED[0]}}
    case = replace(case, calendars=calendars, lines=(across,), runs=(((across,),),))
    check(case, (small_in, request.getfixturevalue(way)), tmp_path)
    days = (tmp_path / "0" / "rollups" / "acme" / "_all" / "day").glob("*.json")
    assert sorted(day.stem for day in days) == ["2011-12-29", "2011-12-31"]


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(20))
def test_two_hundred_logs_around_turns_give_the_same_however_they_come(
    part: int, small_in: Way, tmp_path: Path
) -> None:
    for number in range(1000 + _PART * part, 1000 + _PART * (part + 1)):
        check(drawn(number), (small_in, small_in), tmp_path / str(number), is_rebuilt=number % 4 == 0)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("number", range(2000, 2010))
def test_a_log_around_a_turn_gives_by_spark_what_it_gives_without(
    number: int, small_in: Way, by_spark_in: Way, tmp_path: Path
) -> None:
    check(drawn(number), (small_in, by_spark_in), tmp_path)
