"""A small installation of one's own: settings, tenants, places; and the command line run within this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from deltalake import write_deltalake

from metrics_lake.bronze.haproxy import FEED, TABLE
from metrics_lake.cli import main
from metrics_lake.model.arrow import arrow_schema, fitted
from tests.unit.sources.haproxy.logs import SECRET, InMemoryFile, hasher_of, line, rules_of, text

TENANTS = """
tenants:
  acme:
    name: Acme Radio
    timezone: Africa/Johannesburg
    streams:
      live: {protocol: hls, match: {path: "/acme/live/*"}}
      fm: {protocol: icecast, match: {path: "/acme.mp3"}}
"""


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class World:
    """A folder with `conf/`, and a way to run commands under its settings."""

    folder: Path
    run: Callable[..., Ended]


@pytest.fixture
def run(capsys, monkeypatch) -> Callable[..., Ended]:
    """Runs a command: run('show', 'silver.sessions')."""
    monkeypatch.setenv("COLUMNS", "200")

    def one(*arguments: str) -> Ended:
        code = 0
        try:
            main(list(arguments))
        except SystemExit as ended:
            code = ended.code
        return Ended(code, *capsys.readouterr())

    return one


@pytest.fixture
def world(tmp_path, monkeypatch, run) -> World:
    """Like a clone's root: every default path lies below a folder of the test's own."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "base.yaml").write_text("")
    (tmp_path / "conf" / "tenants.yaml").write_text(TENANTS)
    monkeypatch.setattr("metrics_lake.config.paths.installation", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    return World(tmp_path, run)


@pytest.fixture
def filled(world, monkeypatch):
    """The world with a bronze table: two hours of two proxies, one of them with a gap, and one file twice."""
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    good = text([line(0, agent="=cmd(), not VLC"), line(3, "/nobody/x"), "nonsense", ""])
    files = [
        InMemoryFile(good, "haproxy/edge-01/10.log"),
        InMemoryFile(text([line(7200)]), "haproxy/edge-01/12.log"),
        InMemoryFile(text([line(10)]), "haproxy/edge-02/10.log"),
        InMemoryFile(good, "haproxy/edge-01/again.log", is_duplicate=True),
    ]
    _write(files)
    return world


@pytest.fixture
def unclaimed_alone(world, monkeypatch):
    """The world with a bronze table of requests that no stream claims."""
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    _write([InMemoryFile(text([line(0, "/radio/1.ts"), line(1, "/radio/2.ts")]), "haproxy/edge-01/10.log")])
    return world


def _write(files: list[InMemoryFile]) -> None:
    schema = arrow_schema(TABLE)
    for frame in FEED.parse(files, rules_of(), hasher_of(rules_of())):
        write_deltalake("data/lake/bronze/haproxy", fitted(frame, schema), mode="append", schema_mode="merge")
