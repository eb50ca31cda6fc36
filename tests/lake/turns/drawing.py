"""Small hostile logs, drawn by a number: the same number gives the same log and the same ways to deal it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.lake.turns import turns

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
ADDRESSES = ("192.0.2.7", "192.0.2.8", "2001:db8::7")
AGENTS = ("VLC/3.0.20", "mpv 0.34", "SearchBot/2.1", "")
SEGMENT_MS, REQUEST_MS = 6_000, 100
_DAYS_START = ("00:00", "00:30", "01:30", "02:30", "04:00", "23:30")
_GRID = (0, 0, 0, 30 * MINUTE, -30 * MINUTE, HOUR, -HOUR, 90 * MINUTE, -90 * MINUTE, 4 * HOUR, 25 * MINUTE, -5 * MINUTE,
         DAY, -DAY, -6 * DAY)  # fmt: skip
_CLOCKS = ("UTC", "UTC", "Asia/Kolkata", "Asia/Kathmandu")  # of logs: none shows an hour twice


@dataclass(frozen=True)
class Line:
    """One request: who, of what, from when and for how long, in milliseconds."""

    tenant: str
    stream: str
    person: int
    agent: str
    at: int
    lasting: int
    is_playlist: bool = False

    @property
    def is_hls(self) -> bool:
        return self.stream == "live"

    @property
    def piece(self) -> tuple[int, int]:
        return self.at, self.at + self.lasting + (SEGMENT_MS if self.is_hls and not self.is_playlist else 0)

    @property
    def address(self) -> str:
        return ADDRESSES[self.person]

    def text(self, clock: str) -> str:
        stamp = _instant(self.at).astimezone(ZoneInfo(clock)).strftime("%d/%b/%Y:%H:%M:%S.%f")[:-3]
        path = (
            f"/{self.tenant}/live/{'a.m3u8' if self.is_playlist else 'a.ts'}" if self.is_hls else f"/{self.tenant}.mp3"
        )
        return (
            f"{self.address}:5000 [{stamp}] fe_web bk/web1 0/0/0/0/{self.lasting} 200 1000 - - ---- 5/4/3/2/0 0/0 "
            f'{{listen.example||{self.agent}}} "GET {path} HTTP/1.1"'
        )


@dataclass(frozen=True)
class Case:
    """A log, its settings, and how it comes: runs of files of lines."""

    number: int
    clock: str
    calendars: dict[str, dict[str, str]]
    settings: dict[str, Any]
    lines: tuple[Line, ...]
    runs: tuple[tuple[tuple[Line, ...], ...], ...]

    def file(self, lines: Sequence[Line]) -> str:
        """A file of some of the lines, in the order in which they were logged.

        Each begins and ends with a line of the whole log's first and last hour that no stream claims: so it stands for all
        its hours, and how the lines are dealt says nothing of what has arrived.
        """
        begins, ends = (edge(line.piece[side] for line in self.lines) for side, edge in enumerate((min, max)))
        frame = [Line("nobody", "fm", 0, "", at, 0).text(self.clock) for at in (begins - HOUR, ends + HOUR)]
        held = [line.text(self.clock) for line in sorted(lines, key=lambda line: line.at + line.lasting)]
        return "".join(f"{text}\n" for text in (frame[0], *held, frame[1]))

    @property
    def tenants(self) -> dict[str, Any]:
        def of(name: str) -> dict[str, Any]:
            live = {"protocol": "hls", "match": {"path": f"/{name}/live/*"}}
            streams = {"live": live, "fm": {"protocol": "icecast", "match": {"path": f"/{name}.mp3"}}}
            return {"name": name, **self.calendars[name], "streams": streams}

        return {"tenants": {name: of(name) for name in self.calendars}}

    def without(self, line: Line) -> Case:
        runs = tuple(tuple(tuple(each for each in file if each != line) for file in run) for run in self.runs)
        return replace(self, lines=tuple(each for each in self.lines if each != line), runs=runs)


def drawn(number: int) -> Case:
    """The case of a number."""
    draw = Random(number)
    zone, turn = _turn(draw)
    weeks = draw.choice([("sunday", "monday"), ("monday", "sunday"), ("monday", "monday")])
    shown = (
        (turn - timedelta(minutes=30)).astimezone(ZoneInfo(zone)).strftime("%H:%M")
    )  # twice, if the clock is put back
    calendars = {
        name: {"timezone": draw.choice([zone] * 9 + [*turns.ZONES]), "week_starts": week,
               "broadcast_day_starts": draw.choice([*_DAYS_START, shown, shown, shown])}
        for name, week in zip(("acme", "zeta"), weeks, strict=True)
    }  # fmt: skip
    gaps = draw.choice([(60, 5), (60, 5), (0, 0), (0, 5), (1, 30), (5, 600), (600, 0)])
    settings = {
        "sessions.gap_seconds": gaps[0], "sessions.long_connection_gap_seconds": gaps[1],
        "sessions.minimum_seconds": draw.choice([0, 0, 30]), "privacy.minimum_group": draw.choice([1, 1, 2]),
        "privacy.identity": draw.choice(["ip_user_agent", "ip_user_agent", "ip"]),
    }  # fmt: skip
    is_apart = draw.random() < 0.4  # few lines, a run for each: what one changes isn't read again for another's sake
    lines = _lines(draw, turn, gaps, (2, 4) if is_apart else (3, 12))
    runs = tuple(((line,),) for line in draw.sample(lines, len(lines))) if is_apart else _runs(draw, lines)
    return Case(number, draw.choice(_CLOCKS), calendars, settings, lines, runs)


def _turn(draw: Random) -> tuple[str, datetime]:
    if draw.random() < 0.05:
        return turns.SKIPPED
    zone = draw.choice(turns.ZONES)
    return zone, draw.choice(turns.of(zone))


def _lines(draw: Random, turn: datetime, gaps: tuple[int, int], count: tuple[int, int]) -> tuple[Line, ...]:
    around, found = round(turn.timestamp() * 1000), dict[Line, None]()
    for _ in range(draw.randint(*count)):
        found[_line(draw, around, list(found), gaps)] = None
    return tuple(found)


def _line(draw: Random, around: int, before: Sequence[Line], gaps: tuple[int, int]) -> Line:
    """A line at a border, up to one, or as far from an earlier one of the same listener as a gap is wide."""
    border = around + draw.choice(_GRID)
    if before and draw.random() < 0.5:
        near = draw.choice(before)
        gap, jitter = gaps[0 if near.is_hls else 1] * 1000, draw.choice([0, 0, 1, -1])
        at = near.piece[1] + gap + jitter if draw.random() < 0.7 else near.at - gap - jitter
        drawn = replace(near, at=at, lasting=_lasting(draw, near.is_hls, border - at))
        return drawn if at == near.piece[1] + gap + jitter else replace(drawn, at=at - _length(drawn))
    stream = draw.choice(["live", "fm"])
    at = border + draw.choice([0, 0, 1, -1, -1000, 17_500])
    line = Line(draw.choice(["acme", "zeta"]), stream, draw.randrange(3), draw.choice([*AGENTS[:2], *AGENTS]), at, 0,
                is_playlist=stream == "live" and draw.random() < 0.2)  # fmt: skip
    line = replace(line, lasting=_lasting(draw, line.is_hls, around + draw.choice(_GRID) - at))
    return replace(line, at=border - _length(line)) if draw.random() < 0.3 else line  # it ends on the border


def _length(line: Line) -> int:
    return line.piece[1] - line.at


def _lasting(draw: Random, is_hls: bool, up_to: int) -> int:
    """How long a request takes; long ones may last up to a border, or for days."""
    if is_hls:
        return draw.choice([REQUEST_MS, REQUEST_MS, 0, 4_000])
    ends = [up_to] if 0 < up_to <= 2 * DAY else []
    return draw.choice([*ends, *ends, 0, 1_000, 20 * MINUTE, 2 * HOUR, 25 * HOUR, 49 * HOUR + 1, DAY])


def _runs(draw: Random, lines: tuple[Line, ...]) -> tuple[tuple[tuple[Line, ...], ...], ...]:
    """One to four runs of one or two files; each line comes at least once, some again, and some files whole again."""
    count = draw.randint(1, 4)
    files: list[list[list[Line]]] = [[[] for _ in range(draw.randint(1, 2))] for _ in range(count)]
    for line in draw.sample(lines, len(lines)):
        for _ in range(2 if draw.random() < 0.2 else 1):
            draw.choice(draw.choice(files)).append(line)
    runs = [[tuple(dict.fromkeys(file)) for file in run if file] for run in files]
    if draw.random() < 0.2:
        runs.append([draw.choice([file for run in runs for file in run])])
    return tuple(tuple(run) for run in runs if run)


def _instant(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)
