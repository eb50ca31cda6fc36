"""What a run and the doctor say of the logs that came: captures that hold something else, streams without media."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics_lake.jobs.log_findings import LogFindings, log_findings
from tests.unit import standing
from tests.unit.sources.haproxy.logs import SECRET, line, rules_of, text


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def take_in(lake: Path, number: int, *lines: str, **haproxy: object) -> None:
    standing.take_in(lake, number, text(lines), f"haproxy/edge-01/{number}.log", rules_of(haproxy=haproxy))


def test_what_contradicts_the_settings_is_said_with_its_remedy(tmp_path: Path) -> None:
    take_in(tmp_path, 0, line(1, captures="{h.example|VLC/3}"), captures={"fe": ["user_agent", "host"]})
    found = log_findings(str(tmp_path), 0)
    assert len(found.conflicts) == 2 and "capture 1 is user_agent by the settings, and holds hosts" in found.lines[0]
    assert "haproxy.captures" in found.lines[0] and not log_findings(str(tmp_path), 1).lines


def test_a_stream_without_media_is_named_with_the_setting(tmp_path: Path) -> None:
    take_in(tmp_path, 0, line(1, "/acme/live/a1.opus"))
    [text_] = log_findings(str(tmp_path)).lines
    assert "acme/live has 1 requests and none for media, such as /acme/…/a9.opus" in text_ and "media_suffixes" in text_


def test_shares_are_held_against_those_before(tmp_path: Path) -> None:
    take_in(tmp_path, 0, *(line(n, f"/acme/live/{n}.ts") for n in range(150)))
    take_in(tmp_path, 1, *(line(n, f"/acme/live/{n}.ts", captures="") for n in range(150, 300)))
    [text_] = log_findings(str(tmp_path), 1).shares
    assert text_.startswith("frontend fe: 100% of its lines have no user agent, before it were 0%")


def test_where_nothing_has_come_yet_nothing_is_said(tmp_path: Path) -> None:
    assert log_findings(str(tmp_path)) == log_findings(str(tmp_path), 0) == LogFindings()
