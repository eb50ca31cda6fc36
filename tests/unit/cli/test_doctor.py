"""The doctor looks at all that a run needs, and says how to mend what is wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest


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
    return world


def wrong(ended) -> dict[str, str]:
    """What was found wrong, and the row that says so."""
    rows = [row.split("│")[1:-1] for row in ended.out.splitlines() if row.startswith("│")]
    return {
        what.strip(): f"{found.strip()} → {remedy.strip()}" for mark, what, found, remedy in rows if "wrong" in mark
    }


def test_where_all_is_right_the_doctor_says_so(healthy):
    ended = healthy.run("doctor")
    assert (ended.code, wrong(ended)) == (0, {}) and ended.out.count("right") >= 9


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


def damaged_lake(world, monkeypatch):
    log = world.folder / "data" / "lake" / "silver" / "sessions" / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("{broken")


def wrong_format(world, monkeypatch):
    (world.folder / "conf" / "base.yaml").write_text(
        "haproxy: {formats: {edge: '%ci [%tr] %[var(txn.ua)] %[req.hdr(referer)]'}}"
    )


def no_places(world, monkeypatch):
    (world.folder / "conf" / "base.yaml").write_text("places: {country_file: of-192.0.2.7.mmdb}")


@pytest.mark.parametrize(
    ("harm", "what", "said"),
    [
        (harm_java, "Java", "can't be started → make setup, or set JAVA_HOME to a Java 17 or 21"),
        (old_java, "Java", "Spark 4.1 wants Java 17 or 21: set JAVA_HOME"),
        (no_jars, "jars", "0 in .cache/jars → make setup"),
        (short_secret, "secret", "has 2 bytes, fewer than 32"),
        (open_secret, "secret", "others may read data/secret → chmod 600 data/secret"),
        (no_landing, "landing", "no folder data/landing/haproxy → mkdir -p data/landing/haproxy"),
        (empty_landing, "landing", "0 files below data/landing/haproxy → put HAProxy logs there"),
        (wrong_zone, "tenants", "no such time zone: 'Mars/Phobos'"),
        (
            wrong_format,
            "formats",
            "haproxy.formats['edge']: %[var(txn.ua)] and %[req.hdr(referer)] can't be told apart",
        ),
        (no_places, "places", "no file of-<address>.mmdb → name a file in MaxMind's format (.mmdb)"),
        (no_streams, "tenants", "0 tenants, 0 streams → name a stream"),
        (damaged_lake, "lake", "can't be read → restore data/lake, or move it away and run again"),
        (damaged_documents, "documents", "→ rm data/documents.db, then publish"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy_and_all_else_is_looked_at_too(healthy, monkeypatch, harm, what, said):
    monkeypatch.setenv("COLUMNS", "400")
    harm(healthy, monkeypatch)
    ended = healthy.run("doctor")
    assert ended.code == 1 and list(wrong(ended)) == [what] and said in wrong(ended)[what]
    assert "Traceback" not in ended.err


def test_wrong_settings_are_a_finding_and_no_crash(healthy):
    ended = healthy.run("doctor", "--set", "sesions.gap_seconds=3")
    assert ended.code == 1 and "unknown key 'sesions'" in wrong(ended)["settings"]
