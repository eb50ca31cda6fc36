"""How complete the data of a period is: provisional while it may still change, then final (definitions.md section 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from metrics_lake.coverage.covered import WHOLE, Covered


@dataclass(frozen=True)
class DataStatus:
    """Everything up to `complete_through` has arrived or is given up; a period may be restated for `restatement` after its end.

    `lost_share` gives the part of the log of [start, end) that is missing, from 0 to 1; `known` by tenant what is covered.
    """

    complete_through: datetime
    restatement: timedelta
    lost_share: Callable[[datetime, datetime], float] = lambda start, end: 0.0
    known: Mapping[str, Covered] = field(default_factory=dict)

    def status(self, end: datetime) -> str:
        return "final" if self.complete_through >= end + self.restatement else "provisional"

    def covered(self, tenant: str) -> Covered:
        """What is covered of a tenant's time: all of it where nothing else is known."""
        return self.known.get(tenant, WHOLE)
