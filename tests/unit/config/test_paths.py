"""Relative paths of the settings lead to the same place from every folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics_lake.config import paths
from metrics_lake.config.settings import load


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A folder with `conf/`, beside an installation of its own."""
    (tmp_path / "radio" / "conf").mkdir(parents=True)
    monkeypatch.setattr(paths, "installation", lambda: tmp_path / "installed")
    return tmp_path / "radio"


@pytest.mark.parametrize(
    ("setting", "given", "expected"),
    [
        ("storage.lake", "data/lake", "{home}/data/lake"),
        ("storage.landing", "/srv/logs", "/srv/logs"),
        ("storage.rollups", "abfss://a@b.dfs.core.windows.net/c", "abfss://a@b.dfs.core.windows.net/c"),
        ("documents.path", "../documents.db", "{home}/../documents.db"),
        ("privacy.secret_file", "secret", "{home}/secret"),
        ("privacy.keys_file", "keys", "{home}/keys"),
        ("app_store.key_file", "a.p8", "{home}/a.p8"),
        ("google_play.key_file", "g.json", "{home}/g.json"),
        ("places.country_file", "c.mmdb", "{home}/c.mmdb"),
        ("places.network_file", "''", ""),
        ("places.network_file", ".cache/places/n.mmdb", "{installed}/.cache/places/n.mmdb"),
        ("spark.jars", ".cache/jars", "{installed}/.cache/jars"),
        ("spark.class_archive", "my.jsa", "{home}/my.jsa"),
    ],
)
def test_a_path_is_relative_to_the_folder_that_holds_conf_and_cache_to_the_installation(
    home, tmp_path, monkeypatch, setting, given, expected
):
    monkeypatch.chdir(tmp_path)
    section, name = setting.split(".")
    settings = load(str(home / "conf"), overrides=[f"{setting}={given}"])
    assert getattr(getattr(settings, section), name) == expected.format(home=home, installed=tmp_path / "installed")


def test_defaults_are_relative_to_that_folder_too(home, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert load("radio/conf").storage.lake == f"{home}/data/lake"
    assert load("radio/conf").documents.path == f"{home}/data/documents.db"


def test_paths_stay_short_in_that_folder_itself(home, monkeypatch):
    monkeypatch.chdir(home)
    assert load("conf").storage.lake == "data/lake"


def test_without_a_cache_the_current_folder_counts_as_the_installation(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "CACHE", "no-such-folder")
    monkeypatch.chdir(tmp_path)
    assert paths.installation() == Path()
