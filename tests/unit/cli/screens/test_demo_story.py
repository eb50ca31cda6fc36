"""What the demo says when it has ended."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from metrics_lake.cli.screens.demo_story import Story, _where_next
from metrics_lake.config.settings import Settings
from metrics_lake.serve.query import Answer


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("", "countries  unknown: `.venv/bin/metrics-lake fetch places` brings a free file"),
        ("data/countries.mmdb", "countries  by data/countries.mmdb"),
    ],
)
def test_the_demo_says_by_which_file_it_tells_countries_or_that_by_none(file, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = Answer("acme", "*", "2001-01-15 to 2001-01-21", "", "", "hour", "UTC", {}, [], {})
    story = Story(Settings.model_validate({"places": {"country_file": file}}), 1, [first], 1, [])
    console = Console(file=io.StringIO(), width=200)
    console.print(_where_next(story))
    assert told in console.file.getvalue()
