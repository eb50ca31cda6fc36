"""The doctor looks at all that a run needs, and says how to mend what is wrong."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from metrics_lake.cli.screens import lake_checks, machine_checks
from metrics_lake.io.landing.local_landing import LocalLanding
from tests.unit import standing
from tests.unit.io.cosmos_double import Fault, serving
from tests.unit.sources.haproxy.logs import SECRET


def java(folder: Path, version: str) -> str:
    """A JAVA_HOME whose java says that it is of some version."""
    program = folder / "java-home" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2001-01-15' >&2\n")
    program.chmod(0o755)
    return str(program.parent.parent)


@pytest.fixture
def healthy(world, monkeypatch):
    """A world in which nothing is wrong."""
    monkeypatch.setenv("JAVA_HOME", java(world.folder, "17.0.2"))
    (world.folder / ".cache" / "jars").mkdir(parents=True)
    (world.folder / ".cache" / "jars" / "delta-spark_4.1_2.13-4.4.0.jar").write_bytes(b"")
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)
    (world.folder / "data" / "landing" / "haproxy" / "a.log").write_text("")
    (world.folder / "data" / "secret").write_text(SECRET)
    (world.folder / "data" / "secret").chmod(0o600)
    return world


def wrong(ended) -> dict[str, str]:
    """What was found wrong, with the lines that say so."""
    said: dict[str, list[str]] = {}
    for line in ended.out.splitlines():
        if line.startswith(("right", "wrong")):
            mark, what, state = line.split(maxsplit=2)
            said[f"{mark} {what}"] = [state.strip()]
        else:
            said[f"{mark} {what}"].append(line.strip())
    return {key.removeprefix("wrong "): " ".join(lines) for key, lines in said.items() if key.startswith("wrong")}


def test_where_all_is_right_the_doctor_says_so(healthy):
    ended = healthy.run("doctor")
    assert (ended.code, wrong(ended)) == (0, {}) and ended.out.count("right") >= 11


def harm_java(world, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "nowhere")


def old_java(world, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", java(world.folder / "old", "11.0.2"))


def no_jars(world, monkeypatch):
    next((world.folder / ".cache" / "jars").glob("*.jar")).unlink()


def short_secret(world, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", "5ec7")


def open_secret(world, monkeypatch):
    (world.folder / "data" / "secret").write_text("5e" * 31 + "c7")
    (world.folder / "data" / "secret").chmod(0o644)


def no_landing(world, monkeypatch):
    (world.folder / "data" / "landing" / "haproxy" / "a.log").unlink()
    (world.folder / "data" / "landing" / "haproxy").rmdir()


def empty_landing(world, monkeypatch):
    (world.folder / "data" / "landing" / "haproxy" / "a.log").unlink()


def unreadable_file(world, monkeypatch):
    monkeypatch.setattr(LocalLanding, "refusal", lambda landing, file: "not_permitted")


def wrong_zone(world, monkeypatch):
    file = world.folder / "conf" / "tenants.yaml"
    file.write_text(file.read_text().replace("Africa/Johannesburg", "Mars/Phobos"))


def no_streams(world, monkeypatch):
    (world.folder / "conf" / "tenants.yaml").write_text("tenants: {}")


def damaged_documents(world, monkeypatch):
    path = world.folder / "data" / "documents.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE listening (a)")
    path.write_bytes(b"no database" * 100)


def unreadable_table(world, monkeypatch):
    log = world.folder / "data" / "lake" / "silver" / "sessions" / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("{broken")


def wrong_format(world, monkeypatch):
    (world.folder / "conf" / "base.yaml").write_text(
        "haproxy: {formats: {edge: '%ci [%tr] %[var(txn.ua)] %[req.hdr(referer)]'}}"
    )


def no_places(world, monkeypatch):
    (world.folder / "conf" / "base.yaml").write_text("places: {country_file: of-192.0.2.7.mmdb}")


def standing_lake(world, monkeypatch) -> Path:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    return standing.write(world.folder / "data" / "lake")


def lost_file(world, monkeypatch):
    standing_lake(world, monkeypatch)
    sorted((world.folder / "data/lake/bronze/haproxy").rglob("*.parquet"))[0].unlink()


def cut_file(world, monkeypatch):
    standing_lake(world, monkeypatch)
    file = sorted((world.folder / "data/lake/bronze/haproxy").rglob("*.parquet"))[0]
    file.write_bytes(file.read_bytes()[:100])


def torn_checkpoint(world, monkeypatch):
    (standing_lake(world, monkeypatch) / "query" / "offsets" / "1").write_bytes(b"")


def lost_checkpoint(world, monkeypatch):
    shutil.rmtree(standing_lake(world, monkeypatch) / "query")


def torn_manifest(world, monkeypatch):
    (standing_lake(world, monkeypatch) / "manifest" / "00000002.json").write_text('{"root": "land')


def half_index(world, monkeypatch):
    (world.folder / "data" / "rollups" / "acme").mkdir(parents=True)
    (world.folder / "data" / "rollups" / "acme" / "index.json").write_text('{"schema": "metr')


def clock_behind(world, monkeypatch):
    manifest = standing_lake(world, monkeypatch) / "manifest" / "00000002.json"
    later = manifest.stat().st_mtime + 86_400
    os.utime(manifest, (later, later))


def full_disk(world, monkeypatch):
    usage = SimpleNamespace(total=1 << 40, used=1 << 40, free=5 << 20)
    monkeypatch.setattr("metrics_lake.cli.screens.machine_checks.shutil.disk_usage", lambda folder: usage)


def documents_folder(world, monkeypatch):
    documents_at(world, "/tmp")


def documents_at(world, place: str) -> None:
    (world.folder / "conf" / "base.yaml").write_text(f"documents: {{path: {place!r}}}")


def documents_link(world, monkeypatch):
    """To something of another's."""
    (world.folder / "theirs.txt").write_text("not yours" * 100)
    (world.folder / "data" / "documents.db").symlink_to(world.folder / "theirs.txt")


def documents_not_ours(world, monkeypatch):
    (world.folder / "notes of mine.txt").write_text("not yours" * 100)
    documents_at(world, "notes of mine.txt")


def documents_nowhere(world, monkeypatch):
    (world.folder / "data" / "documents.db").symlink_to(world.folder / "gone.db")


def landing_file(world, monkeypatch):
    (world.folder / "README.md").write_text("# Read me")
    (world.folder / "conf" / "base.yaml").write_text("storage: {landing: README.md}")


def landing_below_file(world, monkeypatch):
    (world.folder / "README.md").write_text("# Read me")
    (world.folder / "conf" / "base.yaml").write_text("storage: {landing: README.md/landing}")


def logs_file(world, monkeypatch):
    no_landing(world, monkeypatch)
    (world.folder / "data" / "landing" / "haproxy").write_text("")


def refuse(monkeypatch, name: str) -> None:
    """This user may not read a file. A test that root runs can't have that of the system."""
    allowed = os.access
    monkeypatch.setattr("os.access", lambda path, mode: not str(path).endswith(name) and allowed(path, mode))


def unreadable_documents(world, monkeypatch):
    damaged_documents(world, monkeypatch)
    refuse(monkeypatch, "documents.db")


def unreadable_secret(world, monkeypatch):
    monkeypatch.delenv("METRICS_LAKE_SECRET", raising=False)
    open_secret(world, monkeypatch)
    read = Path.read_text

    def refused(path: Path, *arguments, **more) -> str:
        if path.name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *arguments, **more)

    monkeypatch.setattr(Path, "read_text", refused)
    refuse(monkeypatch, "secret")


def lake_file(world, monkeypatch):
    (world.folder / "data" / "lake").write_text("")


@pytest.mark.parametrize(
    ("harm", "what", "said"),
    [
        (documents_folder, "documents", "/tmp is a folder → set documents.path to a file of its own"),
        (
            documents_link,
            "documents",
            "theirs.txt, to which it is a link, or put the link aside: → mv data/documents.db data/documents.db.broken &&",
        ),
        (
            documents_not_ours,
            "documents",
            "→ if it is not this program's, set documents.path to a file of its own; else put it aside: → mv 'notes of mine.txt'",
        ),
        (documents_nowhere, "documents", "data/documents.db is a link to nothing → set documents.path"),
        (unreadable_documents, "documents", "can't be read by this user → chmod u+rw data/documents.db"),
        (landing_file, "landing", "README.md is a file → set storage.landing to a folder"),
        (landing_below_file, "landing", "README.md is a file → set storage.landing to a folder"),
        (logs_file, "landing", "haproxy is a file → move it away: data/landing/haproxy is the folder of logs"),
        (unreadable_secret, "secret", "data/secret can't be read by this user → chmod 600 data/secret"),
        (lake_file, "storage", "data/lake is a file → name a folder in the settings instead of data/lake"),
        (harm_java, "Java", "can't be started → make setup, or set JAVA_HOME to a Java 17 or 21"),
        (old_java, "Java", "Spark 4.1 wants Java 17 or 21: set JAVA_HOME"),
        (no_jars, "jars", "0 in .cache/jars → make setup"),
        (short_secret, "secret", "has 2 bytes, fewer than 32"),
        (open_secret, "secret", "others may read data/secret → chmod 600 data/secret"),
        (
            no_landing,
            "landing",
            "no folder data/landing/haproxy → make it, and put logs there: → mkdir -p data/landing/haproxy",
        ),
        (empty_landing, "landing", "0 files below data/landing/haproxy → put HAProxy logs there"),
        (
            unreadable_file,
            "landing",
            "1 can't be read, such as haproxy/a.log (this process may not read it) → give its",
        ),
        (wrong_zone, "tenants", "no such time zone: 'Mars/Phobos'"),
        (
            wrong_format,
            "formats",
            "haproxy.formats['edge']: %[var(txn.ua)] and %[req.hdr(referer)] can't be told apart",
        ),
        (no_places, "places", "no file of-<address>.mmdb → name a file in MaxMind's format (.mmdb)"),
        (no_streams, "tenants", "0 tenants, 0 streams → name a stream"),
        (
            unreadable_table,
            "lake",
            "silver.sessions: its log can't be read → rm -r data/lake/silver/sessions && metrics-lake run",
        ),
        (lost_file, "lake", "parquet is missing → metrics-lake rebuild"),
        (cut_file, "lake", "has 100 bytes instead of"),
        (
            torn_checkpoint,
            "checkpoint",
            "offsets/1 is torn (its checksum or its form is wrong) → metrics-lake ingest --reset-checkpoint",
        ),
        (
            lost_checkpoint,
            "checkpoint",
            "query is lost, although bronze has rows → metrics-lake ingest --reset-checkpoint",
        ),
        (torn_manifest, "checkpoint", "00000002.json is torn or lost → metrics-lake ingest --reset-checkpoint"),
        (
            half_index,
            "rollups",
            "data/rollups/acme/index.json is torn → metrics-lake publish --all",
        ),
        (clock_behind, "clock", "00000002.json was written after that → set the machine's clock"),
        (full_disk, "storage", "5 MiB free at"),
        (
            damaged_documents,
            "documents",
            "→ mv data/documents.db data/documents.db.broken && metrics-lake publish --all",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy_and_all_else_is_looked_at_too(healthy, monkeypatch, harm, what, said):
    monkeypatch.setenv("COLUMNS", "400")
    harm(healthy, monkeypatch)
    ended = healthy.run("doctor")
    assert ended.code == 1 and list(wrong(ended)) == [what] and said in wrong(ended)[what]
    assert "Traceback" not in ended.err


def test_a_lake_in_use_is_all_right(healthy, monkeypatch):
    standing_lake(healthy, monkeypatch)
    ended = healthy.run("doctor")
    assert (ended.code, wrong(ended)) == (0, {}) and "2 files in 2 batches" in ended.out and "1 tables" in ended.out


def test_a_log_without_agents_is_right_and_the_doctor_says_that_bots_count_as_people_there(healthy, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    lake = healthy.folder / "data" / "lake"
    standing.write(lake, 2)
    assert "the log has a place for them" in healthy.run("doctor").out
    standing.write(lake, 2, first=2, captures="")
    ended = healthy.run("doctor")
    assert (ended.code, wrong(ended)) == (0, {})
    assert "acme/live (6 of 12 requests): bots count as people there" in ended.out
    assert "add `capture request header User-Agent len 256` to the frontend" in ended.out
    standing.write(lake, 1, first=100, captures="{-}")
    assert "the log has a place for them" in healthy.run("doctor").out


@pytest.mark.parametrize("width", ["60", "80"])
def test_a_remedy_is_a_line_that_can_be_copied_whole(healthy, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    landing = f"{healthy.folder}/a/very/long/path/to/a/landing/folder/that/is/not/there"
    ended = healthy.run("doctor", "--set", f"storage.landing={landing}")
    assert f"→ mkdir -p {landing}/haproxy\n" in ended.out


def test_a_lost_hour_is_named_with_its_remedy_and_is_no_fault_of_the_machine(filled):
    out = " ".join(filled.run("doctor").out.split())
    assert "right hours complete through 2001-01-15 15:00 UTC; 3 hours of edge-01" in out
    assert "→ put the file of the hour below haproxy/ in landing, then metrics-lake run" in out


def test_wrong_settings_are_a_finding_and_no_crash(healthy):
    ended = healthy.run("doctor", "--set", "sesions.gap_seconds=3")
    assert ended.code == 1 and "unknown key 'sesions'" in wrong(ended)["settings"]


def test_an_account_of_cosmos_db_is_looked_at_and_what_is_wrong_with_it_told(healthy, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("METRICS_LAKE_COSMOS_KEY", base64.b64encode(b"k" * 64).decode())
    with serving() as account:
        chosen = ["--set", "documents.store=cosmos", "--set", f"documents.endpoint={account.address}"]
        right = healthy.run("doctor", *chosen)
        account.faults["GET account"] = [Fault(401) for _ in range(9)]
        refused = healthy.run("doctor", *chosen)
    assert right.code == 0 and "Cosmos DB: no database metrics yet; publish makes it" in right.out
    assert refused.code == 1 and "put the account's into METRICS_LAKE_COSMOS_KEY" in wrong(refused)["documents"]


def test_an_account_that_is_not_named_is_told(healthy, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    ended = healthy.run("doctor", "--set", "documents.store=cosmos")
    assert ended.code == 1 and "→ write the account's URI there" in wrong(ended)["documents"]


def test_documents_that_another_program_has_locked_are_told_and_right_when_it_has_ended(healthy, monkeypatch):
    monkeypatch.setattr("metrics_lake.io.documents.sqlite_health._PATIENCE_SECONDS", 0)
    path = healthy.folder / "data" / "documents.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE listening (a)")
        other.execute("BEGIN EXCLUSIVE")
        ended = healthy.run("doctor")
    assert wrong(ended)["documents"].endswith(
        "is locked by another program → end that program: fuser -v data/documents.db names it"
    )
    assert wrong(healthy.run("doctor")) == {}


@pytest.mark.parametrize("width", ["20", "40", "80"])
def test_a_command_to_copy_is_whole_at_any_width_and_chooses_the_same_settings(healthy, monkeypatch, width):
    (healthy.folder / "data" / "rollups" / "acme").mkdir(parents=True)
    (healthy.folder / "data" / "rollups" / "acme" / "index.json").write_text('{"schema": "metr')
    monkeypatch.setenv("COLUMNS", width)
    ended = healthy.run("doctor", "--conf", "conf", "--set", "sessions.gap_seconds=30")
    command = "→ metrics-lake publish --all --conf conf --set sessions.gap_seconds=30"
    assert command in [line.strip() for line in ended.out.splitlines()]


def test_the_doctor_writes_nothing(world, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in world.folder.rglob("*")}
    world.run("doctor")
    assert {path: path.stat().st_mtime_ns for path in world.folder.rglob("*")} == before


def test_a_check_that_fails_is_a_finding_and_all_others_are_made(healthy, monkeypatch):
    def failing(settings):
        raise ValueError("192.0.2.7")

    monkeypatch.setattr(machine_checks, "_CHECKS", (failing, *machine_checks._CHECKS))
    ended = healthy.run("doctor")
    assert list(wrong(ended)) == ["failing"] and "can't be checked: ValueError" in wrong(ended)["failing"]
    assert "192.0.2.7" not in ended.out and ended.out.count("right") >= 11


def test_every_table_is_checked_once(healthy, monkeypatch):
    standing_lake(healthy, monkeypatch)
    opened: list[str] = []
    damage = lake_checks._damage
    monkeypatch.setattr(lake_checks, "_damage", lambda place, sizes: opened.append(place) or damage(place, sizes))
    healthy.run("doctor")
    assert len(opened) == len(set(opened)) > 5
