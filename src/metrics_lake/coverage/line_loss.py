"""How many lines were lost or doubled on their way, by proxy and hour, by the numbers that HAProxy gives them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from metrics_lake.coverage.completeness import Received


@dataclass(frozen=True)
class Loss:
    """Of one proxy and hour: lines that came, that never did, and that came once more. A gap is of the hour it ends in."""

    proxy: str
    hour: datetime
    received: int
    lost: int
    doubled: int

    @property
    def lost_share(self) -> float:
        return self.lost / (self.received + self.lost) if self.received + self.lost else 0.0

    @property
    def doubled_share(self) -> float:
        return self.doubled / self.received if self.received else 0.0


@dataclass(frozen=True)
class Counted:
    """A row of bronze.counters, and the proxy of its file."""

    proxy: str
    frontend: str | None
    process_number: int
    counter: str
    hour: datetime
    first_numbers: Sequence[int]
    last_numbers: Sequence[int]
    line_count: int


def losses(rows: Iterable[Counted]) -> list[Loss]:
    """By proxy and hour. Rows of a file that came again longer must be those of its newest version alone."""
    sums: dict[tuple[str, datetime], list[int]] = defaultdict(lambda: [0, 0, 0])
    by_process: dict[tuple[str, str | None, int, str], list[tuple[int, int, datetime]]] = defaultdict(list)
    for row in rows:
        runs = list(zip(row.first_numbers, row.last_numbers, strict=True))
        by_process[row.proxy, row.frontend, row.process_number, row.counter] += [(*run, row.hour) for run in runs]
        sums[row.proxy, row.hour][2] += row.line_count - sum(last - first + 1 for first, last in runs)
    for (proxy, *_), runs_of_process in by_process.items():
        reach = None
        for first, last, hour in sorted(runs_of_process):
            held = sums[proxy, hour]
            before = first - 1 if reach is None else reach
            fresh = max(0, last - max(before, first - 1))
            held[0] += fresh
            held[1] += max(0, first - 1 - before)
            held[2] += last - first + 1 - fresh
            reach = max(before, last)
    return [Loss(proxy, hour, *counts) for (proxy, hour), counts in sorted(sums.items())]


def lost_share(received: Received, found: Iterable[Loss], start: datetime, end: datetime) -> float:
    """What part of the log of [start, end) is missing, from 0 to 1: the mean over the proxies that are expected.

    By the lines' numbers where a proxy logs them, else by its hours.
    """
    shares = []
    held = [loss for loss in found if start <= loss.hour < end]
    for proxy in received.proxies:
        mine = [loss for loss in held if loss.proxy == proxy.name]
        if proxy.is_expected and min(proxy.hours) < end:
            lines, lost = (sum(loss.received + loss.lost for loss in mine), sum(loss.lost for loss in mine))
            shares.append(lost / lines if lines else received.missing_share(start, end, proxy.name))
    return sum(shares) / len(shares) if shares else 0.0
