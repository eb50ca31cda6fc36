"""Nine days of a small station's log, hour by hour: silent nights, listeners who stay for hours, three calendars.

They hold Europe's clock put forward, a month's end, and America's clock on the last day.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from random import Random
from typing import Any

BEGINS = datetime(2001, 3, 24, tzinfo=timezone.utc)
HOURS = 9 * 24
_SILENT = range(2, 6)  # hours of the night
_HOUR = timedelta(hours=1)
_AGENTS = ("VLC/3.0.20", "mpv 0.34", "Winamp", "SearchBot/2.1")
_STREAMS = {
    "live": {"protocol": "hls", "match": {"path": "/%s/live/*"}},
    "fm": {"protocol": "icecast", "match": {"path": "/%s.mp3"}},
}
_CALENDARS = {
    "acme": {"timezone": "Europe/London", "week_starts": "monday"},
    "coast": {"timezone": "Asia/Kolkata", "week_starts": "monday", "broadcast_day_starts": "00:30"},
    "zeta": {"timezone": "America/New_York", "week_starts": "sunday", "broadcast_day_starts": "02:30"},
}  # fmt: skip
LATE = {45: 9, 46: 11, 76: 40, 155: 9}  # by how many hours a file comes late
CUT, HEALED = 50, 80  # an hour whose file is cut when it comes, and when it comes again whole
AGAIN = {101: 120}  # an hour whose file comes a second time, under another name


def tenants() -> dict[str, Any]:
    def streams(name: str) -> dict[str, Any]:
        return {
            stream: {**held, "match": {"path": str(held["match"]["path"]) % name}}
            for stream, held in _STREAMS.items()  # type: ignore[index]
        }

    return {"tenants": {name: {"name": name, **held, "streams": streams(name)} for name, held in _CALENDARS.items()}}


def path(hour: int) -> str:
    """The file of an hour, named by its rotation at the hour's end."""
    rotated = BEGINS + _HOUR * (hour + 1)
    return f"haproxy/edge-01/{rotated:%Y/%m/%d}/haproxy-{rotated:%H}-00.log.gz"


def arriving(hour: int) -> Iterator[tuple[str, bytes]]:
    """What is there at the end of an hour that wasn't before: paths below landing, and bytes."""
    if hour not in LATE:
        whole = content(hour)
        yield path(hour), whole[: len(whole) * 2 // 3] if hour == CUT else whole
    yield from ((path(of), content(of)) for of, late in LATE.items() if of + late == hour)
    if hour == HEALED:
        yield path(CUT), content(CUT)
    yield from ((path(of).replace("haproxy-", "again-"), content(of)) for of, at in AGAIN.items() if at == hour)


def content(hour: int) -> bytes:
    """An hour's file. gzip writes no time into it: silent hours have the same bytes."""
    return gzip.compress("".join(text for _, text in sorted(_logged()[hour])).encode(), mtime=0)


@cache
def _logged() -> dict[int, list[tuple[datetime, str]]]:
    """Every line by the hour in which it was written, which is the one in which its request ended."""
    found: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    for hour in range(HOURS):
        if hour % 24 not in _SILENT:
            for at, lasting, line in _lines(Random(hour), BEGINS + _HOUR * hour):
                ended = at + timedelta(milliseconds=lasting)
                found[(ended - BEGINS) // _HOUR].append((ended, line))
    return found


def _lines(draw: Random, hour: datetime) -> Iterator[tuple[datetime, int, str]]:
    for _ in range(draw.randint(1, 3)):  # who listens by HLS, a segment each 50 s
        who, at = _who(draw), hour + timedelta(seconds=draw.randrange(3600))
        for number in range(draw.randint(1, 6)):
            yield _line(who, at + timedelta(seconds=50 * number), 40, f"/{who[0]}/live/{number}.ts")
    for _ in range(draw.randint(0, 2)):
        who, at = _who(draw), hour + timedelta(seconds=draw.randrange(3600))
        lasting = draw.choice([20_000, 600_000, 5_400_000])
        if (at + timedelta(milliseconds=lasting)).hour not in _SILENT:
            yield _line(who, at, lasting, f"/{who[0]}.mp3")


def _who(draw: Random) -> tuple[str, str, str]:
    return draw.choice(tuple(_CALENDARS)), f"192.0.2.{draw.randrange(1, 12)}", draw.choice(_AGENTS)


def _line(who: tuple[str, str, str], at: datetime, lasting: int, asked: str) -> tuple[datetime, int, str]:
    stamp = f"{at:%d/%b/%Y:%H:%M:%S}.000"
    line = (
        f"{who[1]}:5000 [{stamp}] fe_web bk/web1 0/0/0/0/{lasting} 200 1000 - - ---- 5/4/3/2/0 0/0 "
        f'{{{who[2]}}} "GET {asked} HTTP/1.1"\n'
    )
    return at, lasting, line
