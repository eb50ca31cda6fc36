"""Which streams' logs have no place for the user agent is told of what came new, or of late."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics_lake.jobs.unknown_agents import UnknownAgents, unknown_agents, warning
from tests.unit import standing
from tests.unit.sources.haproxy.logs import SECRET


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def test_only_requests_without_a_place_for_the_agent_are_unknown(tmp_path: Path) -> None:
    for first, captures in enumerate(["{VLC/3.0.20}", "{-}", "", "{h.example|}"]):
        standing.write(tmp_path, 1, first=first, captures=captures)
    assert unknown_agents(str(tmp_path), 0) == [UnknownAgents("acme", "live", 6, 12)]


def test_of_a_run_only_what_it_took_in_is_told(tmp_path: Path) -> None:
    standing.write(tmp_path, 1, captures="")
    standing.write(tmp_path, 1, first=1)
    assert [each.unknown for each in unknown_agents(str(tmp_path), 0)] == [3] and not unknown_agents(str(tmp_path), 1)


def test_what_is_older_than_two_days_is_told_no_more(tmp_path: Path) -> None:
    standing.write(tmp_path, 1, captures="")
    assert unknown_agents(str(tmp_path))
    standing.write(tmp_path, 1, first=48)
    assert not unknown_agents(str(tmp_path))


def test_where_nothing_has_come_yet_nothing_is_told(tmp_path: Path) -> None:
    assert warning(unknown_agents(str(tmp_path))) == warning(unknown_agents(str(tmp_path), 0)) == ""
