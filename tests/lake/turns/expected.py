"""The sessions of a drawn log, in the plainest Python there is (tests/unit/reference.py)."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import polars as pl

from metrics_lake.jobs.context import JobContext
from tests.lake.turns.drawing import DAY, Case, Line
from tests.unit.reference import merged

Row = tuple[Any, ...]  # tenant, stream, start, end, exclusion, requests, requests for media, whether it is a marathon


def expected(case: Case) -> list[Row]:
    """The sessions that definitions.md 1 to 3 give."""
    of: dict[tuple[str, ...], set[Line]] = defaultdict(set)
    for line in case.lines:
        of[_listener(line, case)].add(line)
    return sorted(
        (row for lines in of.values() for row in _sessions(lines, case)),
        key=repr,
    )


def _listener(line: Line, case: Case) -> tuple[str, ...]:
    """Whose line it is; with addresses alone as identity, bots stay apart."""
    by_address = case.settings["privacy.identity"] == "ip"
    who = ("bot" if _is_bot(line) else "") if by_address else line.agent
    return line.tenant, line.stream, line.address, who


def _is_bot(line: Line) -> bool:
    return "bot" in line.agent.lower()


def _sessions(lines: set[Line], case: Case) -> list[Row]:
    is_hls = next(iter(lines)).is_hls
    gap = case.settings["sessions.gap_seconds" if is_hls else "sessions.long_connection_gap_seconds"] * 1000
    found = []
    for start, end in merged((line.piece for line in lines), gap):
        mine = [line for line in lines if start <= line.at <= end and line.piece[1] <= end]
        media = sum(not line.is_playlist for line in mine)
        why = _exclusion(mine, media, end - start, case)
        found.append((mine[0].tenant, mine[0].stream, start, end, why, len(mine), media, end - start > DAY))
    return found


def _exclusion(lines: list[Line], media: int, length: int, case: Case) -> str | None:
    reasons = {
        "bot": any(map(_is_bot, lines)),
        "no_user_agent": not any(line.agent for line in lines),
        "no_media": lines[0].is_hls and not media,
        "too_short": length < case.settings["sessions.minimum_seconds"] * 1000,
    }
    return next((reason for reason, fits in reasons.items() if fits), None)


def found(work: JobContext) -> list[Row]:
    """The same, of a lake."""
    held = pl.read_delta(f"{work.settings.storage.lake}/silver/sessions")
    rows = held.select(
        "tenant", "stream", "started_at", "ended_at", "exclusion", "request_count", "media_count", "is_marathon"
    )
    return sorted(((*of, _ms(start), _ms(end), *rest) for *of, start, end, why, n, m, long in rows.rows()
                   for rest in [(why, n, m, long)]), key=repr)  # fmt: skip


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)
