"""Rows of silver.sessions, drawn in seconds after a day's start."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import polars as pl

START = datetime(2001, 1, 15, tzinfo=timezone.utc)
_INSTANT = pl.Datetime("us", "UTC")
SCHEMA = {
    "tenant": pl.String, "stream": pl.String, "listener_id": pl.String, "started_at": _INSTANT, "ended_at": _INSTANT,
    "exclusion": pl.String, "at_least_minutes": pl.Int32,
    **dict.fromkeys(("source", "player", "os", "device", "country", "region"), pl.String),
}  # fmt: skip


def sessions(drawn: Iterable[tuple[str, str, float, float | None]], **columns: Any) -> pl.DataFrame:
    """Sessions of (listener, stream, second of the start, length in seconds or None); `columns` are the same in all."""
    rows = []
    for who, stream, at, length in drawn:
        started = START + timedelta(seconds=at)
        ended = None if length is None else started + timedelta(seconds=length)
        rows.append({"tenant": "p", "stream": stream, "listener_id": who, "started_at": started, "ended_at": ended,
                     "at_least_minutes": int((length or 0) // 60), **columns})  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)
