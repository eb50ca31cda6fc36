"""A small installation of one's own: settings, tenants, places; and the command line run within this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from metrics_lake.cli import main

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
    monkeypatch.chdir(tmp_path)
    return World(tmp_path, run)
