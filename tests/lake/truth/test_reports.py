"""Store reports of tests/golden/truth/downloads: what definitions.md 10 makes of them, however they came."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from metrics_lake.config.settings import SettingsError
from metrics_lake.gold import downloads_by_day
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.rebuild import RebuildError, rebuild
from metrics_lake.jobs.run import run
from tests.lake.contents import differences, rollups, whole
from tests.lake.truth.reports import all_reports, documents, downloads

REPORTS = all_reports()
APPLE, GOOGLE = "apple:1234567890:2026-{}:{}", "google:com.example.radio:2026-{}:{}"
_BY_COUNTRY = {
    f"north {GOOGLE.format('11-21', country)}": number for country, number in (("*", 6), ("US", 4), ("GB", 2))
}
_COAST = {f"coast apple:1234567891:2026-11-21:{country}": 3 for country in ("*", "US")}
_NORTH = {f"north {APPLE.format('11-21', country)}": 6 for country in ("*", "US")}
RIGHT: dict[str, dict[str, int]] = {
    "blank-overview-cell": _BY_COUNTRY,
    "month-rollup-stale": {
        f"north {APPLE.format(on, country)}": number for on, number in (("09-02", 5), ("09-15", 7)) for country in ("*", "US")
    },
    "package-with-six-digits": {"north google:fm.radio_100500_live.app:2026-11-21:*": 7},
    "rejected-row-is-zero": _COAST,
    "rejected-row-replaces-a-figure": _COAST | _NORTH,
    "replaced-in-place-without-a-day": {f"north {GOOGLE.format('11-20', '*')}": 5, f"north {GOOGLE.format('11-21', '*')}": 7},
    "thousands-without-quotes": {f"north {GOOGLE.format('11-20', '*')}": 204},
    "transfer-day": {
        **{f"north {APPLE.format('11-21', country)}": 8 for country in ("*", "US")},
        "coast apple:1234567891:2026-11-21:*": 0,  # which its vendor's report doesn't name
    },
}  # fmt: skip
ALIKE = [name for name in REPORTS if name != "app-listed-twice" and not REPORTS[name].is_replaced_in_place]
Lakes = Callable[[str, str], JobContext]


@pytest.fixture(scope="module")
def lake_of(small_in: Callable[..., JobContext], tmp_path_factory: pytest.TempPathFactory) -> Lakes:
    """The lake of a folder by a way of dealing, which no test may change."""

    @cache
    def made(name: str, order: str) -> JobContext:
        reports = REPORTS[name]
        if order == "one_by_one" and len(reports.one_by_one) == 1:
            return made(name, "at_once")
        return reports.deal(reports.work(small_in, tmp_path_factory.mktemp(name)), getattr(reports, order))

    return made


@pytest.mark.parametrize("name", RIGHT)
def test_reports_that_came_one_by_one_give_the_downloads_that_definitions_give(name: str, lake_of: Lakes) -> None:
    assert downloads(lake_of(name, "one_by_one")) == pytest.approx(RIGHT[name])


@pytest.mark.parametrize("name", ALIKE)
def test_reports_that_came_at_once_give_what_those_one_by_one_do(name: str, lake_of: Lakes) -> None:
    assert not differences(whole(lake_of(name, "at_once")), whole(lake_of(name, "one_by_one")))


def test_an_app_that_stands_twice_is_refused_and_one_with_two_vendors_counts_once(
    small_in: Callable[..., JobContext], tmp_path: Path
) -> None:
    reports = REPORTS["app-listed-twice"]
    with pytest.raises(SettingsError, match="1234567890"):
        reports.work(small_in, tmp_path / "twice")
    tenants = deepcopy(reports.tenants)
    apple, _, google, _ = tenants["tenants"]["north"]["apps"]
    tenants["tenants"]["north"]["apps"] = [{**apple, "vendor": ["85000001", "85000002"]}, google]
    work = reports.deal(reports.work(small_in, tmp_path / "once", tenants), reports.at_once)
    right = {APPLE.format("11-21", "*"): 5, APPLE.format("11-21", "US"): 5, GOOGLE.format("11-21", "*"): 7}
    assert downloads(work) == {f"north {id_}": number for id_, number in right.items()}
    assert rollups(work.settings)["north/_all/month/2026-11.json"]["downloads"]["summary"]["downloads"] == 12


def test_apps_that_are_taken_out_leave_no_downloads_behind(small_in: Callable[..., JobContext], tmp_path: Path) -> None:
    reports = REPORTS["apps-removed"]
    reports.deal(reports.work(small_in, tmp_path), reports.at_once)
    tenants: dict[str, Any] = deepcopy(reports.tenants)
    del tenants["tenants"]["north"]["apps"]
    work = reports.work(small_in, tmp_path, tenants)
    run(work)
    never = reports.deal(reports.work(small_in, tmp_path / "never", tenants), reports.at_once)
    assert documents(work) == {} and rollups(work.settings) == rollups(never.settings)
    assert work.delta_tables.frame(downloads_by_day.TABLE).is_empty()


def test_a_month_without_listening_on_a_report_s_day_has_its_downloads(lake_of: Lakes) -> None:
    for order in ("one_by_one", "at_once"):
        month = rollups(lake_of("month-rollup-stale", order).settings)["north/_all/month/2026-09.json"]
        assert month["downloads"]["summary"]["downloads"] == 12


def test_a_country_that_goes_and_comes_back_raises_its_revision(lake_of: Lakes) -> None:
    held = documents(lake_of("revision-begins-again", "one_by_one"))[f"north {GOOGLE.format('11-20', 'GB')}"]
    assert held["downloads"] == 9 and held["revision"] > 1


def test_a_rebuild_refuses_where_a_version_of_a_report_that_counts_is_gone(
    small_in: Callable[..., JobContext], tmp_path: Path
) -> None:
    reports = REPORTS["replaced-in-place-without-a-day"]
    work = reports.deal(reports.work(small_in, tmp_path), reports.one_by_one)
    before = whole(work)
    with pytest.raises(RebuildError, match="no longer"):
        rebuild(work)
    assert not differences(before, whole(work))
    rebuild(work, accept_loss=True)
    assert downloads(work) == {f"north {GOOGLE.format('11-21', '*')}": 7}


@pytest.mark.slow
@pytest.mark.parametrize("order", ["at_once", "one_by_one", "newest_first"])
@pytest.mark.parametrize("way", ["small_in", "by_spark_in"])
@pytest.mark.parametrize("name", ALIKE)
def test_reports_give_the_same_by_every_way_and_order_and_rebuilt(
    name: str, way: str, order: str, lake_of: Lakes, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    reports = REPORTS[name]
    work = reports.deal(reports.work(request.getfixturevalue(way), tmp_path), getattr(reports, order))
    at_once = whole(lake_of(name, "at_once"))
    assert not differences(at_once, whole(work))
    rebuild(work)
    assert not differences(at_once, whole(work))


def test_every_folder_of_reports_is_told_what_is_right_of_it() -> None:
    special = {"app-listed-twice", "apps-removed", "equal-times", "revision-begins-again"}
    assert REPORTS.keys() == RIGHT.keys() | special and len(REPORTS) == 12
