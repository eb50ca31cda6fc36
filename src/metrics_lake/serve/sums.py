"""The sums of consecutive buckets of time (definitions.md section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]
SUMMARY_COLUMNS = (
    "sessions_started", "sessions_completed", "sessions_active", "listening_seconds", "length_seconds", "length_count",
    "peak_listeners", "peak_at",
)  # fmt: skip
_ADDITIVE = ("sessions_started", "sessions_completed", "listening_seconds", "length_seconds", "length_count")


def summary(
    rows: Sequence[Row],
    *,
    unique_listeners: int,
    seconds: int,
    covered_seconds: int | None = None,
    outside_seconds: float = 0,
) -> Row:
    """The summary of consecutive buckets, in order: sums, means, and the highest peak with its first minute in UTC.

    Of each row it reads SUMMARY_COLUMNS. The average is of the covered seconds, by default all, without the listening
    outside of them; null where none is covered.
    """
    covered_seconds = seconds if covered_seconds is None else covered_seconds
    total = {name: sum(row[name] for row in rows) for name in _ADDITIVE}
    peak = max(rows, key=lambda row: row["peak_listeners"], default=None)
    return {
        "total_sessions": total["sessions_started"],
        "total_hours": rounded(total["listening_seconds"] / 3600),
        "total_days": rounded(total["listening_seconds"] / 86400),
        "unique_listeners": unique_listeners,
        "peak_listeners": peak["peak_listeners"] if peak else 0,
        "peak_at": peak["peak_at"] if peak else None,
        "average_listeners": average(total["listening_seconds"] - outside_seconds, covered_seconds),
        "average_session_seconds": average_session(total["length_seconds"], total["length_count"]),
        "sessions_completed": total["sessions_completed"],
        "sessions_active": total["sessions_started"] + _carried_in(rows),
        "seconds": seconds,
        "covered_seconds": covered_seconds,
    }


def average(listening_seconds: float, covered_seconds: int) -> float | None:
    """Average listeners (AAS): listening inside the covered seconds over these; None where there are none."""
    return rounded(max(listening_seconds, 0) / covered_seconds) if covered_seconds else None


def average_session(length_seconds: float, length_count: int) -> float:
    """The mean full length of the sessions with a known end; 0 where there is none."""
    return rounded(length_seconds / length_count if length_count else 0)


def _carried_in(rows: Sequence[Row]) -> int:
    """Sessions that were active when the first bucket began."""
    return rows[0]["sessions_active"] - rows[0]["sessions_started"] if rows else 0


def excluded_sessions(rows: Iterable[Row]) -> dict[str, int]:
    """The number of sessions that started and are not counted, by reason."""
    total: dict[str, int] = {}
    for row in rows:
        for reason, number in dict(row["excluded"]).items():
            total[reason] = total.get(reason, 0) + number
    return dict(sorted(total.items()))


def rounded(number: float) -> float:
    """A number with six decimals: more precise than any figure is, and the same text on every machine."""
    return round(float(number), 6)
