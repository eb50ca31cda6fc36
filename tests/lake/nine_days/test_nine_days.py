"""A lake that lives for nine days hour by hour ends as one that is given all files at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest
import yaml

from metrics_lake.catalog import stored
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain.upkeep import upkeep
from metrics_lake.jobs.read_coverage import coverage
from metrics_lake.jobs.rebuild import rebuild
from metrics_lake.jobs.run import run
from tests.lake.contents import differences, rollups, whole
from tests.lake.nine_days.station import BEGINS, CUT, HEALED, HOURS, LATE, arriving, content, path, tenants

_HOUR, _DAY = timedelta(hours=1), 24
_LONG = 54  # hours from one run to the next, where the nine days have to pass in seconds
_END = BEGINS + _HOUR * HOURS
Way = Callable[..., JobContext]


def lake(way: Way, folder: Path) -> JobContext:
    (folder / "landing" / "haproxy").mkdir(parents=True)
    (folder / "tenants.yaml").write_text(yaml.safe_dump(tenants()))
    return way(folder, folder / "landing", folder / "tenants.yaml", "privacy.minimum_group=1", "upkeep.vacuum_days=1")


def put(work: JobContext, files: Iterable[tuple[str, bytes]]) -> None:
    for name, held in files:
        target = Path(work.settings.storage.landing, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(held)


def at_once(way: Way, folder: Path) -> JobContext:
    work = lake(way, folder)
    put(work, ((path(hour), content(hour)) for hour in range(HOURS)))
    run(work)
    return work


def live(
    work: JobContext, hours_a_run: int, on_day: Callable[[int, list[float]], None] = lambda day, took: None
) -> None:
    """Files come hour by hour; a run after each few of them, and upkeep once a day."""
    took: list[float] = []
    for hour in range(HOURS):
        put(work, arriving(hour))
        if (hour + 1) % hours_a_run == 0:
            began = time.monotonic()
            run(work)
            took.append(time.monotonic() - began)
        if (hour + 1) % _DAY == 0:
            upkeep(work, stored(), BEGINS + _HOUR * (hour + 1))
            on_day((hour + 1) // _DAY, took)
            took.clear()


def assert_as_at_once(lived: JobContext, once: JobContext) -> None:
    assert coverage(lived.settings).complete_through == _END
    assert not differences(whole(once), whole(lived))
    finals = [place for place, blob in rollups(lived.settings).items() if blob["status"] == "final"]
    assert {f"{name}/_all/day/2001-03-30.json" for name in tenants()["tenants"]} <= set(finals)
    assert {f"{name}/_all/week/2001-W12.json" for name in tenants()["tenants"]} <= set(finals)


def test_nine_days_of_late_cut_doubled_and_silent_hours_end_as_at_once(small_in: Way, tmp_path: Path) -> None:
    apart = {**LATE, CUT: HEALED - CUT}
    assert all(hour // _LONG != (hour + late) // _LONG for hour, late in apart.items()), "a run lies between"
    lived = lake(small_in, tmp_path / "lived")
    live(lived, hours_a_run=_LONG)
    assert_as_at_once(lived, at_once(small_in, tmp_path / "once"))


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_nine_days_with_a_run_each_hour_end_as_at_once_and_rebuilt(
    work_in: Way, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lived = lake(work_in, tmp_path / "lived")

    def tell(day: int, took: list[float]) -> None:
        held = [file.stat().st_size for file in Path(lived.settings.storage.lake).rglob("*") if file.is_file()]
        with capsys.disabled():
            sys.stdout.write(
                f"\nday {day}: a run took {median(took):.2f} s, at most {max(took):.2f} s; "
                f"the lake has {len(held)} files of {sum(held) / 1e6:.1f} MB"
            )

    live(lived, hours_a_run=1, on_day=tell)
    once = at_once(work_in, tmp_path / "once")
    assert_as_at_once(lived, once)
    rebuild(lived)
    assert_as_at_once(lived, once)
