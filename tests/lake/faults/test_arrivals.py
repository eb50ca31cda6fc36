"""Cases 9 to 15: files that come cut, empty, misnamed, longer, twice, late, or change while they are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.io.landing.byte_pieces import LandedFile
from metrics_lake.io.landing.intake import Intake
from metrics_lake.io.landing.local_landing import LocalLanding
from metrics_lake.jobs.read_coverage import coverage
from metrics_lake.jobs.run import run
from tests.lake import contents
from tests.lake.faults.conftest import BEFORE, CORPUS, CUT, EDGE, FIRST, GROWING, LAST, LATE, UNTOUCHED, World, packed
from tests.unit.drawing import utc
from tests.unit.sources.haproxy.logs import line, parse, text

DAY = 86_400
NOON_OF_15 = 979_560_000
EMPTY = {f"{EDGE}/2001/01/15/haproxy-15-00.log": b"", f"{EDGE}/2001/01/15/haproxy-16-00.log.gz": b""}
AGAIN, OTHER_BYTES = f"{EDGE}/2001/01/14/again.log.gz", f"{EDGE}/2001/01/14/packed-anew.log.gz"
NO_GZIP = f"{EDGE}/2001/01/14/text.log.gz"


@dataclass
class History:
    """A world after two runs: in the first much was wrong, before the second it was put right."""

    world: World
    blobs_before: dict[str, bytes] = field(default_factory=dict)
    first: list[dict] = field(default_factory=list)

    def blobs(self) -> dict[str, bytes]:
        root = Path(self.world.work.settings.storage.rollups) / "acme"
        return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*.json")}

    def told(self, path: str) -> list[tuple[str, str | None, int]]:
        """What became of each version of a file: status, reason, requests."""
        rows = contents.files(self.world.work.settings)
        return [(row["status"], row["reason"], row["accepted_count"]) for row in rows if row["path"] == path]


@pytest.fixture(scope="module")
def history(world_in: Callable[[Path], World], tmp_path_factory: pytest.TempPathFactory) -> History:
    found = History(world_in(tmp_path_factory.mktemp("history")))
    world, whole = found.world, {path: packed(content) for path, content in CORPUS.items()}
    for path in (FIRST, UNTOUCHED, BEFORE):
        world.put(path, whole[path])
    world.put(CUT, whole[CUT][: len(whole[CUT]) // 2])
    world.put(GROWING.removesuffix(".gz"), text(CORPUS[GROWING].decode().splitlines()[:6]))
    world.put(LAST.removesuffix(".gz"), whole[LAST])
    world.put(NO_GZIP, CORPUS[CUT])
    for path, content in EMPTY.items():
        world.put(path, content)
    run(world.work)
    found.blobs_before, found.first = found.blobs(), contents.files(world.work.settings)
    world.put(CUT, whole[CUT])
    world.put(GROWING.removesuffix(".gz"), CORPUS[GROWING])
    world.put(AGAIN, whole[BEFORE])
    world.put(OTHER_BYTES, packed(CORPUS[BEFORE], 1))
    world.put(LATE, whole[LATE], at=NOON_OF_15 - 40 * DAY)
    run(world.work)
    return found


def test_whatever_went_wrong_on_the_way_the_end_is_that_of_a_clean_run(
    history: History, world_in: Callable[[Path], World], clean: World, tmp_path: Path
) -> None:
    with_empty = world_in(tmp_path)
    for path, content in EMPTY.items():
        with_empty.put(path, content)
    run(with_empty.put_all().work)
    ended, expected, without = (
        contents.everything(world.work.settings, "acme") for world in (history.world, with_empty, clean)
    )
    assert ended == expected and ended["silver/sessions"] and ended["documents"] and ended["rollups"]
    covered, less = (
        {place: blob["summary"]["covered_seconds"] for place, blob in state["rollups"].items()}
        for state in (ended, without)
    )
    day_ = [place for place in covered if place.endswith("day/2001-01-15.json")]
    assert day_ and all(covered[place] == less[place] + 7200 for place in day_), "hours that came empty are no gaps"


def test_case_09_a_cut_gzip_file_is_set_aside_whole_and_read_once_when_it_comes_again(history: History) -> None:
    assert history.told(CUT) == [("quarantined", "gzip_truncated", 0), ("read", None, 15)]


def test_case_10_an_empty_file_is_an_hour_that_came_empty_and_not_a_missing_one(history: History) -> None:
    assert [history.told(path) for path in EMPTY] == [[("empty", None, 0)]] * 2
    [proxy] = coverage(history.world.work.settings).proxies
    assert proxy.hours_of_kind("empty") == [utc("2001-01-15 14:00"), utc("2001-01-15 15:00")]
    assert not {utc("2001-01-15 14:00"), utc("2001-01-15 15:00")} & set(proxy.hours_of_kind("missing"))


def test_case_11_what_a_file_is_called_does_not_decide_how_it_is_read(history: History) -> None:
    assert history.told(LAST.removesuffix(".gz")) == [("read", None, 15)], "gzip in a file named .log"
    assert history.told(NO_GZIP) == [("read", None, 15)], "text in a file named .gz"
    assert sum(row["reject_count"] for row in history.first) == 5, "of each whole file the one line that is none"


def test_case_12_a_file_that_came_again_longer_is_read_again_and_nothing_counts_twice(
    history: History, clean: World
) -> None:
    assert history.told(GROWING.removesuffix(".gz")) == [("read", None, 6), ("read", None, 15)]
    tables = [contents.tables(world.work.settings)["silver/sessions"] for world in (history.world, clean)]
    assert tables[0] == tables[1]


def test_case_13_the_same_content_under_another_name_is_skipped_and_counted(history: History) -> None:
    rows = {row["path"]: row for row in contents.files(history.world.work.settings)}
    assert (rows[AGAIN]["status"], rows[AGAIN]["skipped_count"], rows[AGAIN]["line_count"]) == ("duplicate", 17, 17)
    assert rows[OTHER_BYTES]["status"] == "read", "other bytes: its lines are known by their fingerprints"


def test_case_14_a_file_forty_days_late_restates_its_days_and_leaves_all_others_as_they_are(history: History) -> None:
    before, after = history.blobs_before, history.blobs()
    assert not [name for name in before if "2000-12-06" in name]
    late = json.loads(after["_all/day/2000-12-06.json"])
    assert late["summary"]["total_sessions"] > 0
    kept = [name for name in before if before[name] == after[name]]
    for untouched in ("2000-12-05", "2001-01-12"):
        assert {f"{stream}/day/{untouched}.json" for stream in ("_all", "live", "fm")} <= set(kept)
    for restated in ("_all/month/2000-12.json", "_all/year/2000.json", "_all/week/2000-W49.json"):
        assert json.loads(after[restated])["revision"] > json.loads(before[restated])["revision"]


def test_case_15_a_file_that_changes_between_planning_and_reading_counts_each_line_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", "5e" * 31 + "c7")
    file, gone = (tmp_path / "landing" / "haproxy" / name for name in ("a.log", "b.log"))
    file.parent.mkdir(parents=True)
    short, whole = text([line(0)]), text([line(0), line(6)])
    file.write_bytes(short)
    gone.write_bytes(text([line(12)]))
    stream = Intake(bronze.FEED, tmp_path / "checkpoint", str)
    batch = stream.plan(LocalLanding(tmp_path / "landing"), {}, 1 << 20)
    assert batch
    file.write_bytes(whole)  # while the batch waits to be read
    gone.unlink()
    first = parse(*(LandedFile(batch.root, entry, batch.number, str) for entry in batch.entries))
    assert [(row["status"], row["reason"]) for row in first.files] == [("read", None), ("quarantined", "vanished")]
    later = stream.plan(LocalLanding(tmp_path / "landing"), {}, 1 << 20)
    assert later and [entry.path for entry in later.entries] == ["haproxy/a.log"], "its content isn't what was planned"
    again = parse(*(LandedFile(later.root, entry, later.number, str) for entry in later.entries))
    ids = [{each for visit in read.visits for each in visit["line_ids"]} for read in (first, again)]
    assert ids[0] == ids[1] and len(ids[0]) == 2, "the same lines by the same fingerprints: sessions hold them once"
    assert stream.plan(LocalLanding(tmp_path / "landing"), {}, 1 << 20) is None
