"""How much traffic to invent, from which seed, over which days.

Catch: equal plans give byte-identical files, so every draw comes from `Plan.draws` or `hashed`, never from a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

# Measured: lines of HLS per session (of any protocol) and minute of `mean_minutes`; other lines per session and week.
HLS_LINES = 6.8
OTHER_LINES, WEEKLY_LINES = 1.25, 20_000


@dataclass(frozen=True)
class Plan:
    """The whole input of the generator. The defaults are the demo: a week, three tenants, some 150 000 lines.

    `sessions_per_day` is of all tenants together, at least one per client and plan; `mean_minutes` is of HLS.
    """

    seed: int = 7
    first_day: date = date(2001, 1, 15)
    days: int = 7
    sessions_per_day: int = 600
    clients: int = 1_500
    mean_minutes: float = 5.0

    @classmethod
    def of_lines(cls, lines: int, *, seed: int = 7, first_day: date = date(2001, 1, 15)) -> Plan:
        """A week (168 hourly files) of roughly this many lines by about 20 000 clients (fewer if lines are few)."""
        clients = min(20_000, max(60, lines // 40))
        sessions_per_day = max(clients * 13 // 70, lines // 1_000)
        sessions = 7 * sessions_per_day
        mean_minutes = max(0.2, (lines - WEEKLY_LINES - OTHER_LINES * sessions) / (HLS_LINES * sessions))
        return cls(seed, first_day, 7, sessions_per_day, clients, mean_minutes)

    @property
    def hours(self) -> int:
        return 24 * self.days

    @property
    def starts_ms(self) -> int:
        """First instant of the first file, epoch milliseconds (midnight UTC of `first_day`)."""
        midnight = datetime.combine(self.first_day, datetime.min.time(), timezone.utc)
        return (midnight - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)

    @property
    def ends_ms(self) -> int:
        """The last file is rotated away at this instant: what ends later is in no file."""
        return self.starts_ms + self.hours * HOUR_MS

    def draws(self, *purpose: int) -> np.random.Generator:
        """An own stream of random numbers for each purpose, so that one may change without moving the others."""
        return np.random.default_rng([self.seed, *purpose])


def hashed(keys: Ints, seed: int) -> Ints:
    """63 random-looking bits of each key (splitmix64): the same in every hour, so each hour can be generated alone."""
    mixed = keys.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)
