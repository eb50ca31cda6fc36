"""Each small log of tests/golden/truth gives the sessions beside it, and the same figures however its files came."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.read_coverage import coverage
from metrics_lake.jobs.rebuild import rebuild
from tests.lake.contents import differences, rollups, whole
from tests.lake.truth.samples import ORDERS, in_one_run, newest_first, one_by_one, samples, sessions

SAMPLES = samples()
each_sample = pytest.mark.parametrize("name", SAMPLES)
THROUGH = {"unclaimed_hour": "2026-05-10T13:00+00:00", "two_silent_hours": "2026-05-06T15:00+00:00"}
Lakes = Callable[[str, Any], JobContext]


@pytest.fixture(scope="module")
def lake_of(small_in: Callable[..., JobContext], tmp_path_factory: pytest.TempPathFactory) -> Lakes:
    """The lake of a sample by an order, which no test may change."""

    @cache
    def made(name: str, order: Any) -> JobContext:
        sample = SAMPLES[name]
        if order is not in_one_run and len(sample.files) == 1:
            return made(name, in_one_run)
        return sample.dealt(small_in, tmp_path_factory.mktemp(name), order(sample.files))

    return made


@each_sample
def test_a_small_log_gives_the_sessions_that_definitions_give(name: str, lake_of: Lakes) -> None:
    assert sessions(lake_of(name, in_one_run)) == SAMPLES[name].sessions


@each_sample
def test_a_small_log_file_by_file_gives_the_same_figures_as_at_once(name: str, lake_of: Lakes) -> None:
    assert not differences(whole(lake_of(name, in_one_run)), whole(lake_of(name, one_by_one)))


@pytest.mark.parametrize(("name", "through"), THROUGH.items())
def test_an_hour_without_a_line_that_counts_is_received(name: str, through: str, lake_of: Lakes) -> None:
    dealt = lake_of(name, one_by_one)
    assert coverage(dealt.settings).complete_through == datetime.fromisoformat(through)


@pytest.mark.parametrize(("name", "tenant"), [("week_on_its_sunday", "acme"), ("week_of_another_tenant", "zeta")])
def test_a_week_keeps_its_listeners_when_another_tenant_s_week_begins(name: str, tenant: str, lake_of: Lakes) -> None:
    week = rollups(lake_of(name, one_by_one).settings)[f"{tenant}/_all/week/2026-W15.json"]
    assert week["summary"]["unique_listeners"] == 1 and week["dimensions"]


def test_a_lake_that_is_rebuilt_is_the_one_that_its_files_give_at_once(
    lake_of: Lakes, small_in: Callable[..., JobContext], tmp_path: Path
) -> None:
    sample = SAMPLES["week_on_its_sunday"]
    dealt = sample.dealt(small_in, tmp_path, newest_first(sample.files))
    rebuild(dealt)
    assert not differences(whole(lake_of("week_on_its_sunday", in_one_run)), whole(dealt))


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("way", ["small_in", "by_spark_in"])
@each_sample
def test_a_small_log_gives_the_same_figures_by_every_way_and_order(
    name: str, way: str, order: Any, lake_of: Lakes, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sample = SAMPLES[name]
    dealt = sample.dealt(request.getfixturevalue(way), tmp_path, order(sample.files))
    assert sessions(dealt) == sample.sessions
    assert not differences(whole(lake_of(name, in_one_run)), whole(dealt))
    rebuild(dealt)
    assert not differences(whole(lake_of(name, in_one_run)), whole(dealt))


def test_every_sample_is_there_and_has_sessions() -> None:
    assert len(SAMPLES) == 13 and all(sample.files and sample.sessions for sample in SAMPLES.values())
