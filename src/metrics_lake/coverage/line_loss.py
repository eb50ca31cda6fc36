"""How many lines were lost or duplicated on their way, by proxy and hour: computed from HAProxy's line numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from metrics_lake.coverage.completeness import Coverage


@dataclass(frozen=True)
class LineLoss:
    """Lines of one proxy and hour that arrived, got lost, and arrived twice. A gap counts in the hour in which it ends."""

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
class CounterRow:
    """A row of bronze.counters, with the proxy of its file."""

    proxy: str
    frontend: str | None
    process_number: int
    counter: str
    hour: datetime
    first_numbers: Sequence[int]
    last_numbers: Sequence[int]
    line_count: int


def line_losses(rows: Iterable[CounterRow]) -> list[LineLoss]:
    """Line losses by proxy and hour. `rows` must hold the newest version of each file alone."""
    counts: dict[tuple[str, datetime], list[int]] = defaultdict(lambda: [0, 0, 0])
    by_process: dict[tuple[str, str | None, int, str], list[tuple[int, int, datetime]]] = defaultdict(list)
    for row in rows:
        runs = list(zip(row.first_numbers, row.last_numbers, strict=True))
        by_process[row.proxy, row.frontend, row.process_number, row.counter] += [(*run, row.hour) for run in runs]
        counts[row.proxy, row.hour][2] += row.line_count - sum(last - first + 1 for first, last in runs)
    for (proxy, *_), process_runs in by_process.items():
        highest = None
        for first, last, hour in sorted(process_runs):
            count = counts[proxy, hour]
            before = first - 1 if highest is None else highest
            fresh = max(0, last - max(before, first - 1))
            count[0] += fresh
            count[1] += max(0, first - 1 - before)
            count[2] += last - first + 1 - fresh
            highest = max(before, last)
    return [LineLoss(proxy, hour, *count) for (proxy, hour), count in sorted(counts.items())]


def lost_share(coverage: Coverage, losses: Iterable[LineLoss], start: datetime, end: datetime) -> float:
    """The share of the log of [start, end) that is missing, from 0 to 1: the mean over the expected proxies.

    For a proxy that logs line numbers it is the share of lines, else the share of hours.
    """
    shares = []
    within = [loss for loss in losses if start <= loss.hour < end]
    for proxy in coverage.proxies:
        own = [loss for loss in within if loss.proxy == proxy.name]
        if proxy.is_expected and min(proxy.hours) < end:
            lines, lost = (sum(loss.received + loss.lost for loss in own), sum(loss.lost for loss in own))
            shares.append(lost / lines if lines else coverage.missing_share(start, end, proxy.name))
    return sum(shares) / len(shares) if shares else 0.0
