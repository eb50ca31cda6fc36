"""Case 25: keys that change at a day's border, and one listener taken out of everything, to the last byte."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from metrics_lake import audit
from metrics_lake.catalog import stored
from metrics_lake.cli import main
from metrics_lake.cli.erase import _search_rest
from metrics_lake.io.storage.failpoints import Crash, crashing
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.maintain import erase
from metrics_lake.jobs.rebuild import rebuild
from metrics_lake.jobs.run import run
from metrics_lake.privacy import salts
from metrics_lake.privacy.hashing import derive_key, listener_id
from metrics_lake.sources.haproxy.erasure_request import ErasureRequest
from tests.lake import contents
from tests.lake.faults.conftest import CORPUS, EDGE, World, packed
from tests.unit.sources.haproxy.logs import SECRET, line, text

MPV = "192.0.2.8 mpv 0.34"
LATE = f"{EDGE}/2001/01/15/haproxy-15-00.log.gz"
LATER = packed(text([line(2 * 3600 + 5), line(2 * 3600 + 11)]))
PEOPLE = {
    "192.0.2.7": ErasureRequest("192.0.2.7", "VLC/3.0.20"),
    "192.0.2.8": ErasureRequest("192.0.2.8", "mpv 0.34"),
    "192.0.2.9": ErasureRequest("192.0.2.9", "Winamp"),
}


def id_of(address: str, agent: str) -> str:
    return listener_id(derive_key(bytes.fromhex(SECRET), "acme", ""), address, agent)


MPV_ID = id_of("192.0.2.8", "mpv 0.34")


@pytest.fixture(scope="module")
def without(world_in: Callable[[Path], World], tmp_path_factory: pytest.TempPathFactory) -> World:
    """The world in which that listener never was."""
    made = world_in(tmp_path_factory.mktemp("without"))
    for path, content in CORPUS.items():
        made.put(path, packed(b"".join(each for each in content.splitlines(True) if b"192.0.2.8:" not in each)))
    run(made.work)
    return made


def state(world: World) -> dict:
    return contents.everything(world.work.settings, "acme")


def blobs(world: World) -> dict[str, bytes]:
    root = Path(world.work.settings.storage.rollups)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("[!_]*.json")}


def erased(world: World, *people: str) -> erase.Erased:
    work = world.work
    ids = erase.ids(work, [PEOPLE[each] for each in people], "acme")
    return erase.erase(work, "acme", ids.every, stored())


def words(world: World, who: str) -> list[str]:
    file = world.folder / "who"
    file.write_text(who)
    return ["erase", "listener", "--tenant", "acme", "--who", str(file), "--yes"]


def command(world: World, who: str) -> str:
    """What the command says, in a process of its own."""
    driver = world.driver(*words(world, who))
    said, _ = driver.communicate(timeout=200)
    assert driver.returncode == 0, said
    return said


def command_here(world: World, who: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The same in this process."""
    main(world.command(*words(world, who))[3:])
    return "".join(capsys.readouterr())


def test_case_25_an_erased_listener_is_gone_to_the_last_byte_and_all_others_count_as_if_they_had_been_alone(
    copy: World, without: World
) -> None:
    assert len(_search_rest(copy.work.settings, [MPV_ID]).findings) > 3, "before, the search does find the id"
    told = command(copy, f"# who asked\n{MPV}\n")
    assert "21 visits and 19 sessions deleted" in told and "no byte of the ids is left" in told
    assert all(f"{path}: has lines of this listener" in told for path in CORPUS)
    assert "192.0.2.8" not in told and "mpv" not in told and MPV_ID not in told
    assert state(copy) == state(without)
    report = _search_rest(copy.work.settings, [MPV_ID])
    assert report.is_clean and report.file_count > 100 and not report.unread
    for path in Path(copy.work.settings.storage.lake).rglob("*.parquet"):
        held = pl.read_parquet(path)
        assert MPV_ID not in held.select(pl.col(pl.String)).to_dict(as_series=False).values().__repr__()


def test_case_25_erasing_again_finds_nothing_and_no_later_run_brings_the_listener_back(
    copy: World,
    without: World,
    world_in: Callable[[Path], World],
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path_factory.mktemp("other")
    shutil.copytree(without.folder, other, dirs_exist_ok=True)
    command_here(copy, MPV, capsys)
    before = blobs(copy)
    told = command_here(copy, MPV, capsys)
    assert "there is no data of this listener" in told and "no byte of the ids is left" in told
    assert blobs(copy) == before and state(copy) == state(without)
    assert run(copy.work).files == 0 and blobs(copy) == before, "the manifest knows what was read"
    late = world_in(other)
    for world in (copy, late):
        world.put(LATE, LATER)
        run(world.work)
    assert state(copy) == state(late) != state(without), "those who come late to the same days count as they should"


def test_case_25_a_restatement_says_that_figures_changed_and_names_no_file(copy: World) -> None:
    erased(copy, "192.0.2.8")
    told = pl.read_delta(f"{copy.work.settings.storage.lake}/bronze/restatements")
    uniques = told.filter(figure="unique_listeners", stream="live")
    assert sorted(set(uniques["listened_on"].to_list())) == [
        date(2000, 12, 5), date(2000, 12, 6), date(2001, 1, 12), date(2001, 1, 14), date(2001, 1, 15),
    ]  # fmt: skip
    assert uniques.select("was", "became").unique().rows() == [(2.0, 1.0)]
    assert told.height and told["paths"].list.len().sum() == 0


@pytest.mark.parametrize("place", [
    "replaced bronze.haproxy@3", "replaced silver.sessions@4", "replaced gold.listening_by_day", "documents_uncommitted",
])  # fmt: skip
def test_case_25_an_erasure_that_was_killed_is_ended_by_the_next_one(copy: World, without: World, place: str) -> None:
    with crashing(place), pytest.raises(Crash):
        erased(copy, "192.0.2.8")
    erased(copy, "192.0.2.8")
    assert state(copy) == state(without) and _search_rest(copy.work.settings, [MPV_ID]).is_clean


def test_case_25_a_stream_and_a_tenant_whose_last_listener_went_leave_nothing_published(copy: World) -> None:
    erased(copy, "192.0.2.9")
    assert not [path for path in blobs(copy) if "/fm/" in path] and "/live/day/" in str(list(blobs(copy)))
    assert not [each["id"] for each in contents.documents(copy.work.settings, "acme") if each["stream"] == "fm"]
    assert {row["stream"] for row in json.loads(blobs(copy)["acme/index.json"])["rollups"]} == {"live", "*"}
    erased(copy, "192.0.2.7", "192.0.2.8")
    assert blobs(copy) == {} and contents.documents(copy.work.settings, "acme") == []
    assert all(rows == [] for rows in contents.tables(copy.work.settings).values())
    copy.put(LATE, LATER)
    run(copy.work)
    assert "acme/live/day/2001-01-15.json" in blobs(copy), "whoever comes next begins anew"


def test_case_25_a_lake_set_aside_by_a_rebuild_is_searched_too(copy: World) -> None:
    done = rebuild(copy.work)
    erased(copy, "192.0.2.8")
    left = _search_rest(copy.work.settings, [MPV_ID])
    assert left.findings and {f"{done.old}/" in finding.file for finding in left.findings} == {True}


def test_case_25_a_batch_that_was_begun_has_to_be_ended_first(copy: World) -> None:
    copy.put(LATE, LATER)
    with crashing("batch_planned"), pytest.raises(Crash):
        run(copy.work)
    with pytest.raises(erase.EraseError, match="begun and not ended: `metrics-lake run` first"):
        erase.stored(copy.work, frozenset([MPV_ID]))


# --- keys that change at midnight ------------------------------------------------------------------------------------

MIDNIGHT = 12 * 3600


@pytest.fixture
def nightly(world_in: Callable[[Path], World], small_in: Callable[..., JobContext], tmp_path: Path) -> World:
    """One listens from 23:59 to 00:01 under keys that change at midnight; another, in the hour after, comes late."""
    world_in(tmp_path)
    daily = ("privacy.key_rotation=daily", f"privacy.keys_file={tmp_path / 'keys'}")
    tenants = tmp_path / "tenants.yaml"
    tenants.write_text(tenants.read_text().replace("Africa/Johannesburg", "UTC"))
    world = World(tmp_path, small_in(tmp_path, tmp_path / "landing", tenants, *daily))
    at = [MIDNIGHT + after for after in range(-60, 61, 6)]
    world.put(f"{EDGE}/a.log", text([line(each, f"/acme/live/{each}.ts") for each in at if each < MIDNIGHT]))
    run(world.work)
    world.put(f"{EDGE}/b.log", text([line(each, f"/acme/live/{each}.ts") for each in at if each >= MIDNIGHT]))
    run(world.work)
    return world


def held_sessions(world: World) -> pl.DataFrame:
    return pl.read_delta(f"{world.work.settings.storage.lake}/silver/sessions").sort("started_at")


def test_case_25_a_listener_over_midnight_is_two_sessions_under_two_keys_and_periods_say_so(nightly: World) -> None:
    held = held_sessions(nightly)
    assert held["listener_id"].n_unique() == held.height == 2
    assert held["started_on"].to_list() == [date(2001, 1, 15), date(2001, 1, 16)]
    assert held["request_count"].to_list() == [10, 11]
    week, first, second = (
        json.loads(blobs(nightly)[f"acme/live/{name}.json"])
        for name in ("week/2001-W03", "day/2001-01-15", "day/2001-01-16")
    )
    assert week["summary"]["unique_listeners"] == 2 and week["summary"]["crosses_epoch"] is True
    assert first["summary"]["unique_listeners"] == 1 and "crosses_epoch" not in first["summary"]
    assert second["summary"]["total_sessions"] == 1 and "crosses_epoch" not in second["summary"]


def test_case_25_an_erasure_of_one_day_takes_that_day_s_id_alone_and_one_of_all_time_both(nightly: World) -> None:
    work, who = nightly.work, [PEOPLE["192.0.2.7"]]
    day = erase.ids(work, who, "acme", [date(2001, 1, 16)])
    assert erase.erase(work, "acme", day.every, stored()).sessions == 1
    assert held_sessions(nightly)["started_on"].to_list() == [date(2001, 1, 15)]
    every = erase.ids(work, who, "acme")
    assert erase.erase(work, "acme", every.every, stored()).sessions == 1 and held_sessions(nightly).is_empty()
    assert _search_rest(work.settings, day.current | every.current).is_clean and blobs(nightly) == {}


def test_case_25_under_a_key_that_was_destroyed_nobody_is_found_any_more(nightly: World) -> None:
    work = nightly.work
    now = held_sessions(nightly)["started_at"][0]
    salts.erase(work.settings.privacy.keys_file, "acme", "2001-01-15", rotation="daily", at=now)
    ids = erase.ids(work, [PEOPLE["192.0.2.7"]], "acme")
    assert ids.destroyed == ("2001-01-15",)
    assert erase.erase(work, "acme", ids.every, stored()).sessions == 1
    assert held_sessions(nightly)["started_on"].to_list() == [date(2001, 1, 15)], "under a number that leads to no one"
    assert audit.search_terms(keys={"id": bytes.fromhex(held_sessions(nightly)["listener_id"][0])}).key_count == 1
