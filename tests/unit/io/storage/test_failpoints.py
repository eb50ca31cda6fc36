"""Places to die at: off unless named, and exact."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from metrics_lake.io.storage.failpoints import Crash, crashing, passing

_SCRIPT = (
    "from metrics_lake.io.storage.failpoints import passing\nfor n in range(4):\n passing('here'); print(n, flush=True)"
)


def test_nothing_happens_where_no_place_is_named():
    passing("here")


def test_a_place_is_crashed_at_on_just_its_turn():
    with crashing("here@3"):
        passing("here")
        passing("there")
        passing("here")
        with pytest.raises(Crash):
            passing("here")
        passing("here")
    passing("here")


@pytest.mark.parametrize(("named", "ended", "told"), [("", 0, 4), ("here@3", -signal.SIGKILL, 2), ("there", 0, 4)])
def test_the_environment_names_the_place_at_which_a_process_is_killed(monkeypatch, named, ended, told):
    monkeypatch.setenv("METRICS_LAKE_FAILPOINT", named)
    found = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False)
    assert (found.returncode, len(found.stdout.split())) == (ended, told)
