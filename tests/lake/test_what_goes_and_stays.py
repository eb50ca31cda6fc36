"""What is published of a tenant goes with it, and stays through a new clock, an erased key and a lost lake."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest

from metrics_lake.catalog import stored
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.jobs.maintain.erase import erase
from metrics_lake.jobs.maintain.erase_tenant import EraseTenantError, erase_tenant, rows_of
from metrics_lake.jobs.publish import plan
from metrics_lake.jobs.publish.publish import PublishError, loss, publish
from metrics_lake.jobs.rebuild import rebuild
from metrics_lake.jobs.run import run
from metrics_lake.privacy import salts
from metrics_lake.serve.listening import CONTAINER
from metrics_lake.silver import sessions
from tests.lake.contents import everything, rollups
from tests.lake.faults.conftest import STARTS, lines_of, packed
from tests.lake.test_read_again import ALL, RIGHT, Station, Ways
from tests.unit.sources.haproxy.logs import text

BOTH = (
    RIGHT
    + """
  zeta:
    timezone: UTC
    streams: {x: {protocol: icecast, match: {path: "/nobody/*"}}}
"""
)


@pytest.fixture
def station(small_in: Ways, tmp_path: Path) -> Station:
    station = Station(small_in, tmp_path / "station").put(ALL)
    station.run()
    return station


def published(station: Station) -> set[str]:
    return set(rollups(station.work().settings))


@pytest.mark.parametrize(
    "changed",
    [
        RIGHT.replace("Africa/Johannesburg", "Asia/Tokyo"),
        RIGHT + '    broadcast_day_starts: "04:00"\n',
        RIGHT + "    week_starts: sunday\n",
    ],
    ids=["clock", "broadcast day", "week"],
)
def test_a_tenant_s_new_calendar_makes_its_figures_anew_and_never_unpublishes_it(
    station: Station, small_in: Ways, tmp_path: Path, changed: str
) -> None:
    run(station.work(changed))
    fresh = Station(small_in, tmp_path / "fresh").put(ALL)
    run(fresh.work(changed))
    assert everything(station.work(changed).settings, "acme") == everything(fresh.work(changed).settings, "acme")
    assert published(station)


def test_a_removed_tenant_goes_with_the_next_publish_and_it_is_said(station: Station) -> None:
    work = station.work(RIGHT.replace("acme:", "zeta:"))
    steps = list[str]()
    work.on_step = steps.append
    run(work)
    assert [step for step in steps if "removing what is published of acme, which" in step]
    assert {path.split("/")[0] for path in rollups(work.settings)} <= {"zeta"}
    assert not (station.folder / "rollups" / "acme" / "index.json").exists()
    assert not list(SqliteDocuments(work.settings.documents.path).ids(CONTAINER, "acme"))


def test_a_removed_stream_goes_with_the_next_publish_though_landing_lost_its_lines(station: Station) -> None:
    shutil.rmtree(station.folder / "landing" / "haproxy" / "edge-01")
    without = RIGHT.replace('      fm: {protocol: icecast, match: {path: "/acme.mp3"}}\n', "")
    steps = list[str]()
    work = station.work(without)
    work.on_step = steps.append
    run(work)
    assert {path.split("/")[1] for path in rollups(work.settings)} == {"_all", "live"}
    assert [step for step in steps if "acme/fm, which" in step]
    run(station.work())
    assert {path.split("/")[1] for path in published(station)} == {"_all", "live", "fm"}


def test_what_the_lake_has_of_a_removed_tenant_is_erased_by_name(small_in: Ways, tmp_path: Path) -> None:
    station = Station(small_in, tmp_path / "two").put(ALL)
    run(station.work(BOTH))
    with pytest.raises(EraseTenantError, match="take it out of there first"):
        rows_of(station.work(BOTH), "zeta", stored())
    shutil.rmtree(station.folder / "landing" / "haproxy" / "edge-01")
    work = station.work(RIGHT)
    run(work)
    rows = rows_of(work, "zeta", stored())
    assert rows["bronze.haproxy"] and rows["silver.sessions"]
    before = everything(work.settings, "acme")
    erase_tenant(work, "zeta", stored(), rows)
    assert not rows_of(work, "zeta", stored())
    publish(work)
    run(work)
    after = everything(work.settings, "acme")
    kept = {
        name: [row for row in held if "'zeta'" not in row]
        for name, held in before.items()
        if name.startswith(("silver", "gold"))
    }
    assert kept == {name: after[name] for name in kept}
    assert after["rollups"] == before["rollups"] and after["documents"] == before["documents"]


def test_a_rebuild_keeps_the_published_totals_of_a_destroyed_key(small_in: Ways, tmp_path: Path) -> None:
    station = Station(small_in, tmp_path / "rotating").put(ALL)
    settings = ("privacy.key_rotation=monthly", f"privacy.keys_file={tmp_path / 'keys'}")
    run(station.work(RIGHT, *settings))
    before = everything(station.work(RIGHT, *settings).settings, "acme")
    at = datetime(2026, 1, 1, tzinfo=timezone.utc)
    salts.erase(tmp_path / "keys", "acme", "2001-01", rotation="monthly", at=at)
    done = rebuild(station.work(RIGHT, *settings))
    in_january = [row for row in before["silver/sessions"] if "datetime.date(2001, 1" in row]
    assert done.carried == len(in_january) > 0
    assert everything(station.work(RIGHT, *settings).settings, "acme") == before


def test_files_with_lines_of_a_destroyed_key_are_not_read_again(small_in: Ways, tmp_path: Path) -> None:
    station = Station(small_in, tmp_path / "rotating").put(ALL)
    settings = ("privacy.key_rotation=monthly", f"privacy.keys_file={tmp_path / 'keys'}")
    run(station.work(RIGHT, *settings))
    count = len(everything(station.work(RIGHT, *settings).settings, "acme")["silver/sessions"])
    at = datetime(2026, 1, 1, tzinfo=timezone.utc)
    salts.erase(tmp_path / "keys", "acme", "2001-01", rotation="monthly", at=at)
    done = run(station.work(RIGHT.replace("fm:", "am:"), *settings)).ingested["haproxy"]
    january = sum("/2001/01/" in path for path in ALL)
    assert (done.again, done.left) == (len(ALL) - january, january)
    assert len(everything(station.work(RIGHT, *settings).settings, "acme")["silver/sessions"]) == count


def test_a_person_who_was_erased_does_not_come_back_when_rules_change(station: Station) -> None:
    work = station.work()
    someone = work.delta_tables.frame(sessions.TABLE, columns=("listener_id",))["listener_id"].sort()[0]
    erase(work, "acme", frozenset([someone]), stored())
    done = station.run(RIGHT.replace("fm:", "am:"))
    assert done.left and someone not in set(station.rows(sessions.TABLE)["listener_id"])


def test_a_lake_made_anew_without_all_files_never_shows_less_of_a_day(small_in: Ways, tmp_path: Path) -> None:
    station = Station(small_in, tmp_path / "lost").put(ALL)
    first, *_ = ALL
    half = first.replace("haproxy-13-00", "haproxy-12-00")
    station.put({half: _an_hour_before(first)})
    station.run()
    before = {path: (station.folder / "rollups" / path).read_bytes() for path in published(station)}
    shutil.rmtree(station.folder / "lake")
    (station.folder / "landing" / half).unlink()
    with pytest.raises(PublishError, match=r"show more listening than .*--accept-loss.*nothing was changed"):
        station.run()
    assert {path: (station.folder / "rollups" / path).read_bytes() for path in published(station)} == before
    work = station.work()
    assert loss(work)[2] == 1
    publish(work, accept_loss=True)
    assert station.run().files == 0


def _an_hour_before(path: str) -> bytes:
    name = path.partition("edge-01/")[2]
    return packed(text(lines_of(STARTS[name] - 1)))


def test_a_lake_made_anew_from_all_files_publishes_the_same_bytes(station: Station) -> None:
    before = {path: (station.folder / "rollups" / path).read_bytes() for path in published(station)}
    shutil.rmtree(station.folder / "lake")
    assert run(station.work()).published.written == 0
    assert {path: (station.folder / "rollups" / path).read_bytes() for path in published(station)} == before


def test_a_version_that_renders_other_fields_publishes_them_by_itself(station: Station, monkeypatch) -> None:
    torn = station.folder / "rollups" / "acme" / "_all" / "month" / "2001-01.json"
    rollup = json.loads(torn.read_bytes())
    del rollup["summary"]["total_days"]  # as a version before it had this field
    torn.write_text(json.dumps(rollup))
    assert run(station.work()).published.written == 0
    monkeypatch.setattr(plan, "_rendering", lambda: "of another version")
    assert run(station.work()).published.written == 1
    assert "total_days" in json.loads(torn.read_bytes())["summary"]
