"""How much of a bucket is covered, and how much of its listening lies inside (definitions.md section 4)?

A second is covered if it lies in an hour received from at least one expected proxy, from the hour on in which the tenant's
first line was logged. The hours are those of the log (UTC), which a tenant's own need not begin with.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from itertools import accumulate

from metrics_lake.coverage.hours import HOUR

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Covered:
    """What is covered of one tenant's time: half-open spans, in order and apart from each other.

    `outside` has by stream, in order, the start of each of the tenant's hours with listening outside of the spans, and its
    seconds.
    """

    spans: tuple[Span, ...]
    outside: Mapping[str, tuple[tuple[datetime, float], ...]] = field(default_factory=dict)

    def seconds(self, start: datetime, end: datetime) -> int:
        """The covered seconds of [start, end)."""
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        if first >= last:
            return 0
        if last - first == 1:
            return int((min(end, self._ends[first]) - max(start, self._starts[first])).total_seconds())
        edges = (self._ends[first] - max(start, self._starts[first])) + (
            min(end, self._ends[last - 1]) - self._starts[last - 1]
        )
        return int(edges.total_seconds() + self._sums[last - 2] - self._sums[first])

    def listening_outside(self, stream: str, start: datetime, end: datetime) -> float:
        """Seconds of listening of [start, end) that are not covered; of whole hours of the tenant."""
        return sum(seconds for hour, seconds in self.outside.get(stream, ()) if start <= hour < end)

    @cached_property
    def _starts(self) -> list[datetime]:
        return [start for start, _ in self.spans]

    @cached_property
    def _ends(self) -> list[datetime]:
        return [end for _, end in self.spans]

    @cached_property
    def _sums(self) -> list[float]:
        return list(accumulate((end - start).total_seconds() for start, end in self.spans))


WHOLE = Covered(((datetime.min.replace(tzinfo=timezone.utc), datetime.max.replace(tzinfo=timezone.utc)),))


def spans(hours: Iterable[datetime], first: datetime) -> tuple[Span, ...]:
    """Hours, in order, from `first` on, as spans: those that follow each other are one."""
    joined = list[Span]()
    for hour in hours:
        if hour < first:
            continue
        if joined and joined[-1][1] == hour:
            joined[-1] = (joined[-1][0], hour + HOUR)
        else:
            joined.append((hour, hour + HOUR))
    return tuple(joined)
