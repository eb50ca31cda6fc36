"""From a user agent to player, major version, operating system and device class; the string itself is not kept.

ua-parser knows browsers and systems; `players.yaml` beside this file knows what plays radio.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import polars as pl
import ua_parser
import yaml

OTHER = "other"
NO_VALUES = ("", "-")
_MOBILE_SYSTEMS = ("iOS", "Android", "Windows Phone", "HarmonyOS", "KaiOS", "BlackBerry OS", "Tizen")
_DESKTOP_SYSTEMS = ("Windows", "Mac OS X", "Linux", "Ubuntu", "Debian", "Fedora", "Chrome OS", "FreeBSD")
_TV = re.compile(r"smart-?tv|appletv|apple tv|tvos|\baft[a-z]+\b|web0s|netcast|bravia|googletv|hbbtv", re.I)
_CAR = re.compile(r"android auto|carplay|automotive|\btesla/", re.I)
_TABLET = re.compile(r"ipad|tablet|\bsm-t\d|kindle|silk/", re.I)


@dataclass(frozen=True)
class Agent:
    """What is kept of a user agent."""

    player: str
    player_version: str | None
    os: str
    device: str


@cache
def _players() -> list[tuple[re.Pattern[str], str, str | None]]:
    rows: list[dict[str, Any]] = yaml.safe_load(
        resources.files(__package__).joinpath("players.yaml").read_text(encoding="utf-8")
    )
    return [(re.compile(row["pattern"], re.I), row["player"], row.get("device")) for row in rows]


@lru_cache(maxsize=65536)
def agent(text: str) -> Agent:
    """The agent behind a user-agent string; `other` where nothing is known."""
    if text in NO_VALUES:
        return Agent(OTHER, None, OTHER, OTHER)
    known = ua_parser.parse(text[:1024])
    system = known.os.family if known.os else OTHER
    for pattern, player, device in _players():
        found = pattern.search(text)
        if found:
            version = next((group for group in found.groups() if group), None)
            return Agent(player, version, system, device or _device(text, system))
    family = known.user_agent.family if known.user_agent else OTHER
    version = known.user_agent.major if known.user_agent else None
    return Agent(family.removeprefix("Mobile ").removesuffix(" Mobile"), version, system, _device(text, system))


def _device(text: str, system: str) -> str:
    for pattern, device in ((_TV, "tv"), (_CAR, "car"), (_TABLET, "tablet")):
        if pattern.search(text):
            return device
    if system in _MOBILE_SYSTEMS:
        return "mobile"
    return "desktop" if system in _DESKTOP_SYSTEMS else OTHER


def described(texts: Iterable[str]) -> pl.DataFrame:
    """One row an agent: agent (the string), player, player_version, os, device."""
    rows = [(text, *_row(agent(text))) for text in texts]
    columns = ("agent", "player", "player_version", "os", "device")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def _row(known: Agent) -> tuple[str, str | None, str, str]:
    return known.player, known.player_version, known.os, known.device
