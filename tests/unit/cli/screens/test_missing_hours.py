"""Hours that did not come, in words: by proxy, as spans, with what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO

from rich.console import Console

from metrics_lake.cli.screens import missing_hours
from metrics_lake.config.settings import Settings
from metrics_lake.coverage.completeness import MISSING, RECEIVED, UNFINISHED, Coverage, Proxy
from metrics_lake.coverage.hours import HOUR
from tests.unit.drawing import utc

NOON = utc("2001-01-15 12:00")


def coverage(received: str, given_up: str = "2001-01-15 12:00") -> Coverage:
    """Hours from noon on, drawn: `x.x` is one missing between two."""
    hours = {NOON + HOUR * n: RECEIVED if kind == "x" else MISSING for n, kind in enumerate(received)}
    return replace(Coverage((Proxy("edge-01", True, hours),)), given_up_through=utc(given_up))


def test_a_gap_is_waited_for_until_it_is_given_up():
    waited = coverage("x.x..x")
    assert missing_hours.given_up(waited) == []
    assert missing_hours.waiting(waited, timedelta(hours=72)) == [
        "3 hours of edge-01 (2001-01-15 13:00 to 14:00, 2001-01-15 15:00 to 17:00 UTC) missing so far; complete_through waits "
        "until 2001-01-18 14:00 UTC at most"
    ]
    one = replace(waited, given_up_through=utc("2001-01-15 14:00"))
    assert missing_hours.given_up(one) == [
        "1 hour of edge-01 (2001-01-15 13:00 to 14:00 UTC) never came, and figures go on without: they say so by covered_seconds"
    ]
    assert missing_hours.waiting(one, timedelta(hours=72))[0].startswith("2 hours of edge-01")


def test_of_many_gaps_the_newest_are_named_and_the_others_counted():
    [line] = missing_hours.given_up(coverage("x.x.x.x.x.x", "2001-02-15 12:00"))
    assert line.startswith("5 hours of edge-01 (2001-01-15 17:00 to 18:00, ") and "and 2 more spans (audit" in line


def test_the_newest_hour_is_still_on_its_way():
    kinds = {NOON: RECEIVED, NOON + HOUR: UNFINISHED}
    assert missing_hours.waiting(Coverage((Proxy("edge-01", True, kinds),)), timedelta(hours=72)) == []
    assert missing_hours.waiting(Coverage(()), timedelta(hours=72)) == []


def test_where_nothing_is_missing_nothing_is_said(tmp_path, monkeypatch):
    whole, console = coverage("xxx"), Console(file=StringIO())
    assert missing_hours.given_up(whole) == missing_hours.waiting(whole, timedelta(hours=72)) == []
    monkeypatch.setattr(missing_hours, "coverage", lambda settings, now: whole)
    missing_hours.write(Settings(), console)
    assert console.file.getvalue() == ""


def test_what_is_given_up_is_written_with_the_remedy(monkeypatch):
    console = Console(file=StringIO(), width=80)
    monkeypatch.setattr(missing_hours, "coverage", lambda settings, now: coverage("x.x", "2001-02-15 12:00"))
    missing_hours.write(Settings(), console)
    assert console.file.getvalue().splitlines()[1] == f"→ {missing_hours.REMEDY}"
