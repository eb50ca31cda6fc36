"""What docs/analysts.md shows runs as it stands, and gives the figures that are published."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.analysts_page import examples
from tests.unit.jobs.lakes import work_of, worked_out
from tests.unit.sources.haproxy.logs import SECRET, TENANTS, line, text

LISTENER, BOT = "VLC/3.0.20", "Googlebot/2.1"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data/lake`: two people and a bot, who listen at noon."""
    folder = tmp_path_factory.mktemp("analyst")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("METRICS_LAKE_SECRET", SECRET)
        lines = [line(after, address="192.0.2.7", agent=LISTENER) for after in (0, 6, 12, 18)]
        lines += [line(after, address="192.0.2.8", agent=LISTENER) for after in (6, 12)]
        lines += [line(after, address="192.0.2.9", agent=BOT) for after in (6, 12)]
        worked_out(work_of(folder / "data", TENANTS, {}), [text(lines)])
    return folder


def run_examples(tool: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(examples(tool), "docs/analysts.md", "exec"), names)
    return names


def test_polars_gives_net_figures_as_gold_has_them(lake, monkeypatch):
    names = run_examples("polars", lake, monkeypatch)
    assert names["by_country"].select("tenant", "sessions", "listeners").rows() == [("acme", 2, 2)]
    assert names["compared"].height > 0
    assert all(started == counted for *_, started, counted in names["compared"].rows())
    assert [row[:3] for row in names["audience"].rows()] == [("acme", "Midday", 2)]
    assert names["audience"]["heard"].sum() > timedelta(0)
    assert sorted(names["requests"]["asked"]) == [2, 4]


def test_duckdb_counts_by_reason_what_polars_has_opened(lake, monkeypatch):
    names = run_examples("duckdb", lake, monkeypatch)
    assert names["gross"] == [("acme", "live", "bot", 1), ("acme", "live", "net", 2)]
