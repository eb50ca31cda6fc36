"""What long steps show where no terminal is: plain lines, now and then."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from metrics_lake.cli.output import progress
from metrics_lake.cli.output.progress import Steps, shown
from metrics_lake.io.landing.manifest import Batch
from metrics_lake.jobs.ingest import Ingested
from metrics_lake.sources.landed_file import FileEntry

BATCH = Batch(1, "/landing", (FileEntry("a", 1_000_000, "ab", ""), FileEntry("b", 3_000_000, "cd", "")), {})


@pytest.fixture
def clock(monkeypatch):
    """Seconds since the start, which a test may set."""
    held = {"now": 0.0}
    monkeypatch.setattr(progress.time, "monotonic", lambda: held["now"])
    return held


def test_each_step_is_a_line_with_the_seconds_since_the_start(clock):
    told = Console(file=io.StringIO(), width=100)
    with shown(told) as steps:
        steps._started = 0
        clock["now"] = 12.34
        steps.step("building sessions")
    assert told.file.getvalue() == "  12.3 s  building sessions\n"


def test_reading_tells_files_bytes_and_rate_but_not_all_the_time(clock):
    told = Console(file=io.StringIO(), width=100)
    steps = Steps(told, _started=0)
    for now in (1, 2, 20, 21, 22, 40):
        clock["now"] = now
        steps.ingested(Ingested(1, 40_000_000), BATCH)
    assert told.file.getvalue().splitlines() == [
        "  20.0 s  reading: 1 files, 40.0 MB, 2.1 MB/s",
        "  40.0 s  reading: 1 files, 40.0 MB, 1.0 MB/s",
    ]


def test_nothing_is_said_of_nothing_read(clock):
    told = Console(file=io.StringIO(), width=100)
    steps = Steps(told, _started=0)
    for clock["now"] in (1, 20, 40):
        steps.ingested(Ingested(), BATCH)
    assert told.file.getvalue() == ""


def test_a_quiet_command_shows_no_step():
    told = Console(file=io.StringIO(), width=100)
    token = progress.IS_QUIET.set(True)
    with shown(told) as steps:
        steps.step("building sessions")
        steps.ingested(Ingested(2, 4_000_000), BATCH)
    progress.IS_QUIET.reset(token)
    assert told.file.getvalue() == ""


def test_the_last_step_ends_with_the_command():
    told = Console(file=io.StringIO(), width=100, force_terminal=True)
    with shown(told) as steps:
        steps.step("publishing")
    assert steps.bar.finished


def test_on_a_terminal_a_bar_moves_and_nothing_breaks():
    told = Console(file=io.StringIO(), width=100, force_terminal=True)
    with shown(told) as steps:
        steps.step("reading 2 new files")
        steps.ingested(Ingested(2, 4_000_000), BATCH)
        steps.step("building sessions")
    assert "2 files, 4.0 MB" in told.file.getvalue() and "building sessions" in told.file.getvalue()


def test_what_was_taken_in_grows_by_a_batch_or_its_share():
    assert Ingested(1, 10).plus(BATCH) == Ingested(3, 4_000_010)
    assert Ingested().plus(BATCH, 0.5) == Ingested(1, 2_000_000)
