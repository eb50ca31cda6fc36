"""Every command that the doctor prints is run on what it was printed for, and heals it: what stands then is as if nothing had been."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.cli import main
from metrics_lake.jobs import context as context_module
from metrics_lake.jobs.run import run
from metrics_lake.jobs.stages import STAGES
from tests.lake import contents
from tests.lake.faults.conftest import BEFORE, CORPUS, GROWING, LAST, World, WorldIn, packed
from tests.lake.intake import SmallJobContext

APP = "\n    apps: [{store: google, id: com.acme.radio, name: Acme Radio}]\n"
REPORT = "Date,Package name,Daily User Installs\n2001-01-14,com.acme.radio,7\n2001-01-15,com.acme.radio,5\n"
REPORTED = "google_play/stats/installs/installs_com.acme.radio_200101_overview.csv"
DAY, MONTH, ALL = "acme/_all/day/2001-01-15.json", "acme/live/month/2001-01.json", "acme/_all/all/all.json"
OF_READERS = ".db-shm"  # SQLite's own, in which each reader stands while it reads
NOT_HERE = ("Java", "jars")  # of the machine that tests run on


@pytest.fixture(scope="module")
def whole(world_in: WorldIn, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Three hours of two days and a store's report, to which nothing has happened."""
    folder = tmp_path_factory.mktemp("whole") / "world"
    settings = world_in(folder).work.settings
    with (folder / "tenants.yaml").open("a") as tenants:
        tenants.write(APP)
    world = World(folder, SmallJobContext.create(settings))
    for path in (BEFORE, GROWING, LAST):
        world.put(path, packed(CORPUS[path]))
    world.put(REPORTED, REPORT.encode())
    run(world.work)
    return world


@pytest.fixture(scope="module")
def right(whole: World) -> dict[str, Any]:
    return contents.whole(whole.work)


@pytest.fixture
def harmed(whole: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: dict[str, Any]) -> Iterator[World]:
    """A copy of it, to be harmed. Its place is that of the original, of which the note of the last publish tells."""
    shutil.copytree(whole.folder, tmp_path / "kept")
    monkeypatch.setattr(context_module, "JobContext", SmallJobContext)
    monkeypatch.setenv("COLUMNS", "60")
    yield whole
    shutil.rmtree(whole.folder)
    shutil.copytree(tmp_path / "kept", whole.folder)


Doctor = Callable[[World], tuple[set[str], list[str]]]


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Which checks find something wrong, and the lines of commands that are printed for them."""

    def examined(world: World) -> tuple[set[str], list[str]]:
        command(world, "doctor")
        wrong, commands, is_wrong = set[str](), list[str](), False
        for line in capsys.readouterr().out.splitlines():
            mark, *rest = line.split()
            if mark in ("right", "wrong"):
                is_wrong = mark == "wrong" and rest[0] not in NOT_HERE
                wrong |= {rest[0]} if is_wrong else set()
            elif is_wrong and mark == "→" and rest[0] in ("metrics-lake", "rm", "mv", "mkdir", "chmod"):
                commands.append(" ".join(rest))
        return wrong, commands

    return examined


def command(world: World, *arguments: str) -> int:
    """Runs a command of this program over the world; its exit code."""
    try:
        main([*arguments, *world.command()[3:]])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def execute(line: str, world: World) -> None:
    """Runs what the doctor printed, as a shell would; this program within this process, so that no Spark starts."""
    for one in line.split(" && "):
        if one.startswith("metrics-lake "):
            words = shlex.split(one)[1:]
            main([*words, "--yes"] if words[0] == "rebuild" else words)  # it asks first
        else:
            subprocess.run(one, shell=True, check=True, cwd=world.folder)


def rollup(world: World, path: str) -> Path:
    return Path(world.work.settings.storage.rollups, path)


def cut(file: Path) -> None:
    """Only the first half of it is left."""
    os.truncate(file, file.stat().st_size // 2)


def one_byte(file: Path) -> None:
    """One figure is another one, and the size as it was."""
    content = bytearray(file.read_bytes())
    place = content.index(b'"total_sessions": ') + len(b'"total_sessions": ')
    content[place] = ord("9") if content[place] != ord("9") else ord("8")
    file.write_bytes(content)


def documents(world: World) -> Path:
    return Path(world.work.settings.documents.path)


def empty_documents(world: World) -> None:
    documents(world).write_bytes(b"")


def lack_documents(world: World) -> None:
    with sqlite3.connect(documents(world)) as connection:
        connection.execute("DELETE FROM listening WHERE id LIKE '*:day:%'")


def table(world: World, name: str) -> Path:
    return Path(world.work.settings.storage.lake, name.replace(".", "/"))


def cut_rows(folder: Path) -> None:
    cut(max(folder.rglob("*.parquet"), key=lambda file: file.stat().st_size))


PUBLISHED = {
    "a torn index": ("rollups", lambda world: cut(rollup(world, "acme/index.json"))),
    "a lost index": ("rollups", lambda world: rollup(world, "acme/index.json").unlink()),
    "a torn day": ("rollups", lambda world: cut(rollup(world, DAY))),
    "a lost day": ("rollups", lambda world: rollup(world, DAY).unlink()),
    "a torn period": ("rollups", lambda world: cut(rollup(world, ALL))),
    "a lost period": ("rollups", lambda world: rollup(world, MONTH).unlink()),
    "an emptied day": ("rollups", lambda world: rollup(world, DAY).write_bytes(b"")),
    "a figure that was changed": ("rollups", lambda world: one_byte(rollup(world, DAY))),
    "a rollup that no index names": (
        "rollups",
        lambda world: rollup(world, "acme/live/day/2001-01-01.json").write_bytes(rollup(world, DAY).read_bytes()),
    ),
    "a lost tenant": ("rollups", lambda world: shutil.rmtree(rollup(world, "acme"))),
    "a torn note of listening": ("rollups", lambda world: cut(rollup(world, "_published.json"))),
    "a torn note of downloads": ("rollups", lambda world: cut(rollup(world, "_downloads.json"))),
    "a torn note of what was removed": ("rollups", lambda world: rollup(world, "_removed.json").write_bytes(b'{"a')),
    "documents that are no database": ("documents", lambda world: documents(world).write_bytes(b"no database" * 900)),
    "truncated documents": ("documents", lambda world: cut(documents(world))),
    "emptied documents": ("documents", empty_documents),
    "lost documents": ("documents", lambda world: documents(world).unlink()),
    "documents that lack days": ("documents", lack_documents),
}  # fmt: skip
DERIVED = [name for stages in STAGES for name in (stages.table.name, *(f"gold.{metric}" for metric in stages.metrics))]
LAKE = {
    **{f"lost {name}": ("lake", lambda world, name=name: shutil.rmtree(table(world, name))) for name in DERIVED},
    "silver without some rows": ("lake", lambda world: cut_rows(table(world, "silver.sessions"))),
    "gold without some rows": ("lake", lambda world: cut_rows(table(world, "gold.listening_by_hour"))),
    "gold without its log": (
        "lake",
        lambda world: cut(next((table(world, "gold.listening_by_day") / "_delta_log").glob("*.json"))),
    ),
    "bronze without some rows": ("lake", lambda world: cut_rows(table(world, "bronze.haproxy"))),
    "lost bronze": ("lake", lambda world: shutil.rmtree(table(world, "bronze.haproxy"))),
}  # fmt: skip


def checkpoint(world: World, name: str) -> Path:
    return Path(world.work.checkpoints, name)


CHECKPOINTS = {
    **{f"a torn offset of {feed.name}": (
        "checkpoint", lambda world, feed=feed: (checkpoint(world, feed.checkpoint) / "query/offsets/0").write_bytes(b"v1\n{"))
       for feed in FEEDS},
    **{f"a lost query of {feed.name}": (
        "checkpoint", lambda world, feed=feed: shutil.rmtree(checkpoint(world, feed.checkpoint) / "query"))
       for feed in FEEDS},
    **{f"a torn batch of {feed.name}": (
        "checkpoint", lambda world, feed=feed: cut(checkpoint(world, feed.checkpoint) / "manifest/00000001.json"))
       for feed in FEEDS},
}  # fmt: skip
READ_BY = "ingest_haproxy/read_by.json"
NOTES = {
    "a torn note of reading rules": ("reading", lambda world: checkpoint(world, READ_BY).write_bytes(b'{"rules": "'))
}
HARM = {**PUBLISHED, **LAKE, **CHECKPOINTS, **NOTES}


# One of each sort by day, every one by night.
SHORT = {
    *PUBLISHED, *NOTES, "lost silver.sessions", "lost gold.dimensions_by_day", "silver without some rows", "lost bronze",
    *(f"a torn offset of {feed.name}" for feed in FEEDS),
}  # fmt: skip


@pytest.mark.parametrize(
    "harm", [pytest.param(harm, marks=[] if harm in SHORT else [pytest.mark.slow]) for harm in HARM]
)
def test_what_the_doctor_prints_heals_what_it_names(
    harmed: World, doctor: Doctor, right: dict[str, Any], harm: str
) -> None:
    assert doctor(harmed) == (set(), [])
    check, break_it = HARM[harm]
    break_it(harmed)
    wrong, commands = doctor(harmed)
    assert check in wrong and commands
    for _ in range(len(HARM)):
        execute(commands[0], harmed)
        wrong, commands = doctor(harmed)
        if not commands:
            break
    assert wrong == set()
    assert not contents.differences(contents.whole(harmed.work), right)
    assert command(harmed, "run") == 0
    assert not contents.differences(contents.whole(harmed.work), right)


def test_a_torn_rollup_stops_no_backfill_and_is_healed_by_it(
    harmed: World, doctor: Doctor, right: dict[str, Any]
) -> None:
    cut(rollup(harmed, DAY))
    cut(rollup(harmed, "acme/index.json"))
    assert command(harmed, "backfill", "--from", "2001-01-15", "--to", "2001-01-15") == 0
    assert doctor(harmed) == (set(), []) and not contents.differences(contents.whole(harmed.work), right)


def test_damaged_documents_stop_a_run_with_a_line_that_leads_to_the_doctor(
    harmed: World, capsys: pytest.CaptureFixture[str]
) -> None:
    documents(harmed).write_bytes(b"no database" * 900)
    assert command(harmed, "publish", "--all") == 1
    assert "is damaged or no database; `metrics-lake doctor` says how to repair it" in capsys.readouterr().err


def test_the_doctor_changes_nothing_of_a_lake_in_use(harmed: World, doctor: Doctor) -> None:
    def files() -> dict[Path, tuple[int, int]]:
        paths = (path for path in harmed.folder.rglob("*") if path.is_file() and path.suffix != OF_READERS)
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}

    before = files()
    doctor(harmed)
    assert files() == before
