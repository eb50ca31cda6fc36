"""What sessions, peaks and days must be, worked out from lines alone in plain Python (tests/unit/reference.py)."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl

from metrics_lake.config.settings import Settings
from tests.lake.contents import documents, rollups
from tests.unit.reference import clipped, merged, peaks
from tests.unit.sources.haproxy.logs import NOON, line

SEGMENT_MS, GAP_MS, LONG_GAP_MS, DAY_MS = 6_000, 60_000, 5_000, 86_400_000
NOON_MS = int(NOON.replace(tzinfo=timezone.utc).timestamp() * 1000)
PEOPLE = ("192.0.2.7", "192.0.2.8", "192.0.2.9")
Session = tuple[str, int, int, int]  # stream, start, end, requests


@dataclass(frozen=True)
class Request:
    """One line: who, when (seconds after noon of 15 January 2001), and for how long by Icecast; 0 is a segment of HLS."""

    person: int
    at: int
    seconds: int = 0

    @property
    def stream(self) -> str:
        return "fm" if self.seconds else "live"

    @property
    def text(self) -> str:
        if self.seconds:
            return line(self.at, "/acme.mp3", address=PEOPLE[self.person], timers=f"0/0/0/0/{self.seconds * 1000}")
        return line(self.at, f"/acme/live/{self.at}.ts", address=PEOPLE[self.person])

    @property
    def piece(self) -> tuple[int, int]:
        start = NOON_MS + self.at * 1000
        return start, start + (self.seconds * 1000 or 40 + SEGMENT_MS)


def sessions(requests: set[Request]) -> dict[tuple[int, str], list[tuple[int, int]]]:
    """The intervals of each person on each stream."""
    pieces: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for request in requests:
        pieces[request.person, request.stream].append(request.piece)
    return {key: merged(held, LONG_GAP_MS if key[1] == "fm" else GAP_MS) for key, held in pieces.items()}


def expected(requests: set[Request]) -> dict[str, Any]:
    """Sessions, the peaks of minutes and the figures of days, as `found` tells them of a lake."""
    by_key = sessions(requests)
    rows = [
        (
            stream,
            start,
            end,
            sum(r.person == who and r.stream == stream and start <= r.piece[0] < end for r in requests),
        )
        for (who, stream), held in by_key.items()
        for start, end in held
    ]
    minutes, days = {}, {}
    for stream in ("live", "fm", "*"):
        on = [interval for (_, each), held in by_key.items() if stream in (each, "*") for interval in held]
        people = on
        if stream == "*":
            people = [x for who in range(3) for x in merged(_of(by_key, who), 0)]
        minutes |= {(stream, at): peak for at, peak in peaks(people).items()}
        days |= {(stream, at): figures for at, figures in _days(on, people, by_key, stream)}
    return {"sessions": sorted(rows), "minutes": minutes, "days": days}


def _of(by_key: dict[tuple[int, str], list[tuple[int, int]]], who: int) -> list[tuple[int, int]]:
    return [interval for (person, _), held in by_key.items() if person == who for interval in held]


def _days(on: Any, people: Any, by_key: Any, stream: str) -> list[tuple[date, tuple[int, float, int, int]]]:
    found = []
    for at in sorted({day for start, end in on for day in range(start - start % DAY_MS, end, DAY_MS)}):
        listeners = {
            who
            for (who, each), held in by_key.items()
            if stream in (each, "*") and any(start < at + DAY_MS and end > at for start, end in held)
        }
        started = sum(at <= start < at + DAY_MS for start, _ in on)
        seconds = round(clipped(on, at, at + DAY_MS) / 1000, 3)
        peak = max(peak for minute, peak in peaks(people).items() if at <= minute < at + DAY_MS)
        found.append((_instant(at).date(), (started, seconds, len(listeners), peak)))
    return found


def found(settings: Settings) -> dict[str, Any]:
    """The same, out of the tables."""
    lake = settings.storage.lake
    held = pl.read_delta(f"{lake}/silver/sessions")
    rows = held.select("stream", "started_at", "ended_at", "request_count").rows()
    minutes = pl.read_delta(f"{lake}/gold/listeners_by_minute").select("stream", "minute_at", "peak_listeners")
    days = pl.read_delta(f"{lake}/gold/listening_by_day").select(
        "stream",
        "listened_on",
        "sessions_started",
        pl.col("listening_seconds").round(3),
        "unique_listeners",
        "peak_listeners",
    )
    return {
        "sessions": sorted((stream, _ms(start), _ms(end), count) for stream, start, end, count in rows),
        "minutes": {(stream, _ms(at)): peak for stream, at, peak in minutes.rows()},
        "days": {(stream, on): tuple(figures) for stream, on, *figures in days.rows()},
    }


def published(settings: Settings) -> dict[tuple[str, date], tuple[int, float, int, int]]:
    """The figures of days, out of the blobs."""
    days = [blob for path, blob in rollups(settings).items() if "/day/" in path]
    return {
        (blob["stream"], date.fromisoformat(blob["period"]["name"])): (
            blob["summary"]["total_sessions"], round(blob["summary"]["total_hours"] * 3600, 3),
            blob["summary"]["unique_listeners"], blob["summary"]["peak_listeners"],
        )
        for blob in days
    }  # fmt: skip


def documented(settings: Settings) -> dict[tuple[str, date], tuple[int, float, int, int]]:
    """The figures of days, out of the documents; those that hours alone tell of have none."""
    found: dict[tuple[str, date], Any] = {}
    for each in documents(settings, "acme"):
        key = each["stream"], date.fromisoformat(each["begins_at"][:10])
        if each["grain"] == "hour":
            found.setdefault(key, None)
        if each["grain"] == "day":
            found[key] = (
                each["total_sessions"], round(each["listening_seconds"], 3), each["unique_listeners"], each["peak_listeners"],
            )  # fmt: skip
    return found


def listed(settings: Settings) -> set[str]:
    """The blobs that the index names."""
    held = json.loads(Path(settings.storage.rollups, "acme", "index.json").read_bytes())
    return {f"acme/{each['path']}" for each in held["rollups"]}


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _instant(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)
