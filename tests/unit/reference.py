"""The rules in the plainest Python there is: slow, obvious, and sharing nothing with the product's code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Interval = tuple[int, int]


def merged(pieces: Iterable[Interval], gap: int) -> list[Interval]:
    """Intervals no further apart than `gap`, joined."""
    out: list[Interval] = []
    for start, end in sorted(pieces):
        if out and start <= out[-1][1] + gap:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def peaks(intervals: Sequence[Interval], minute: int = 60_000) -> dict[int, int]:
    """The most intervals that hold any one instant of each minute, by brute force over the instants that can matter."""
    found: dict[int, int] = {}
    instants = {start for start, end in intervals if start < end}
    for start, end in intervals:
        for at in range(start - start % minute, end, minute):
            tried = [at, *(i for i in instants if at <= i < at + minute)]
            best = max(sum(a <= t < b for a, b in intervals) for t in tried)
            if best:
                found[at] = best
    return found


def clipped(intervals: Iterable[Interval], start: int, end: int) -> int:
    """Length of all intervals inside a bucket."""
    return sum(max(0, min(b, end) - max(a, start)) for a, b in intervals)
