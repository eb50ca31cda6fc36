"""Failpoints: places where a test lets the process die, to show that nothing is lost or done twice. Off unless one is named.

`METRICS_LAKE_FAILPOINT=file_written` kills the process at the first passage of that place, `file_written@3` at the
third. Within a test's own process `crashing` raises Crash instead.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter
from collections.abc import Iterator

from metrics_lake.config.process_env import fail_point

_passed: Counter[str] = Counter()
_crashing: list[str] = []


class Crash(BaseException):
    """Stands for the end of the process; nobody who catches errors catches it."""


def passing(place: str) -> None:
    """Marks a failpoint, where a crash would do the most harm."""
    failpoint = fail_point() or next(iter(_crashing), "")
    if not failpoint:
        return
    _passed[place] += 1
    name, _, turn = failpoint.partition("@")
    if name == place and _passed[place] == int(turn or 1):
        if fail_point():
            os.kill(os.getpid(), signal.SIGKILL)
        raise Crash(place)


@contextlib.contextmanager
def crashing(at: str) -> Iterator[None]:
    """While the block runs, the place `at` (or `place@turn`) raises Crash."""
    _passed.clear()
    _crashing.append(at)
    try:
        yield
    finally:
        _crashing.clear()
