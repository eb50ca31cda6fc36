"""Runs a command and watches it: seconds, CPU seconds and most memory of it and its children together. Linux only."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_EVERY_SECONDS = 0.1
_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


class CommandError(Exception):
    """A measured command failed; `said` is all it said, the message the end of it."""

    def __init__(self, command: Sequence[str], code: int, said: str) -> None:
        tail = "\n".join(said.splitlines()[-15:])
        super().__init__(f"{' '.join(command[:3])} … ended with {code}:\n{tail}")
        self.said = said


@dataclass(frozen=True)
class Measured:
    """`started_at` is on the clock of time.time(); `cpu_seconds` say more than seconds where others use the machine."""

    started_at: float
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    said: str


def measure(command: Sequence[str], log: Path) -> Measured:
    """Runs a command to its end. Its errors go to `log`; the sum of RSS counts what processes share more than once."""
    with log.open("w+") as errors, log.with_suffix(".out").open("w+") as said:
        started_at, started = time.time(), time.monotonic()
        process = subprocess.Popen(command, stdout=said, stderr=errors)
        peak, cpu = 0, dict[int, float]()
        while process.poll() is None:
            seen = tree(process.pid)
            peak = max(peak, sum(child.rss_bytes for child in seen))
            cpu.update({child.number: child.cpu_seconds for child in seen})
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_EVERY_SECONDS)
        seconds = time.monotonic() - started
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise CommandError(command, process.returncode, text + log.read_text())
    return Measured(started_at, seconds, sum(cpu.values()), peak, text)


@dataclass(frozen=True)
class Process:
    """A process as it is now; `reaped_seconds` is the time of its children that have ended."""

    number: int
    parent: int
    cpu_seconds: float
    reaped_seconds: float
    rss_bytes: int


def tree(root: int) -> list[Process]:
    """A process and all that it started, and they."""
    children: dict[int, list[Process]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (process := _process(entry)):
            children[process.parent].append(process)
    own = _process(Path(f"/proc/{root}"))
    processes, at = [own] if own else [], 0
    while at < len(processes):
        processes += children[processes[at].number]
        at += 1
    return processes


def tree_cpu_seconds(root: int) -> float:
    return sum(process.cpu_seconds + process.reaped_seconds for process in tree(root))


def _process(entry: Path) -> Process | None:
    """Fields of /proc/PID/stat, which proc(5) counts from 1: ppid 4, utime 14, stime 15, cutime 16, cstime 17, rss 24."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    own, reaped = (sum(map(int, fields[first : first + 2])) / _TICKS for first in (11, 13))
    return Process(int(entry.name), int(fields[1]), own, reaped, int(fields[21]) * _PAGE)


def facts() -> dict[str, Any]:
    """What a reader must know of the machine to judge the seconds."""
    memory = os.sysconf("SC_PHYS_PAGES") * _PAGE
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "load_1_5_15": [round(load, 2) for load in os.getloadavg()],
        "processor": _processor(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
