"""The timer of Azure Functions: a few lines that fetch from each store, whatever becomes of the other."""

from __future__ import annotations

import importlib.util
import json
import logging
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "scripts" / "functions"


@pytest.fixture
def functions():
    spec = importlib.util.spec_from_file_location("function_app", FOLDER / "function_app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_a_timer_of_under_twenty_lines(functions):
    assert (FOLDER / "function_app.py").read_text().count("\n") < 20
    [function] = functions.app.get_functions()
    [trigger] = json.loads(str(function))["bindings"]
    assert (trigger["type"], trigger["schedule"]) == ("timerTrigger", "0 0 17 * * *")
    assert json.loads((FOLDER / "host.json").read_text())["version"] == "2.0"


def test_a_store_that_fails_does_not_keep_the_other_from_being_asked(functions, monkeypatch, caplog):
    asked = []

    def command(words):
        asked.append(words)
        if words[1] == "app-store":
            raise SystemExit(1)

    monkeypatch.setattr(functions, "main", command)
    with caplog.at_level(logging.INFO):
        functions.fetch.build().get_user_function()(None)
    assert asked == [["fetch", "app-store"], ["fetch", "google-play"]]
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
