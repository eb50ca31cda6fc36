"""How complete the data of a period is: provisional while it may still change, then final (definitions.md section 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class DataStatus:
    """Everything up to `complete_through` has arrived; a period may be restated for `restatement` after its end.

    `lost_share` gives the part of the log of [start, end) that is missing, from 0 to 1.
    """

    complete_through: datetime
    restatement: timedelta
    lost_share: Callable[[datetime, datetime], float] = lambda start, end: 0.0

    def status(self, end: datetime) -> str:
        return "final" if self.complete_through >= end + self.restatement else "provisional"
