"""From a user agent to player, major version, operating system, device class and client kind; the string is not kept.

ua-parser knows browsers and systems; `players.yaml` beside this file knows what plays radio, bots.py who is no listener.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import polars as pl
import yaml
from ua_parser import Domain, Parser
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

from metrics_lake.privacy.redaction import holds_address
from metrics_lake.sources.lookups.bots import KINDS, kinds, rules_version

__all__ = ["KINDS", "NO_VALUES", "OTHER", "UNKNOWN", "Agent", "agent", "agents", "describe", "kinds", "rules_version"]

OTHER, UNKNOWN = "other", "unknown"  # an agent that nothing is known of; a log that has no place for it
NO_VALUES = ("", "-")
_LONGEST, _LONGEST_VERSION, _CACHE_SIZE = 1024, 6, 100_000
_MOBILE_SYSTEMS = ("iOS", "Android", "Windows Phone", "HarmonyOS", "KaiOS", "BlackBerry OS")
_DESKTOP_SYSTEMS = ("Windows", "Mac OS X", "Linux", "Ubuntu", "Debian", "Fedora", "Chrome OS", "FreeBSD", "Arch Linux")
_TV = (
    r"smart-?tv|appletv|apple ?tv|tvos|\baft[a-z]{1,2}[0-9]*\b|web0s|webos.*tv|netcast|bravia|google ?tv|android ?tv|"
    r"hbbtv|tizen.*\btv\b|viera|aquos|vidaa|shield android"
)
_CAR = r"android auto|carplay|automotive|\btesla/|qtcarbrowser|carunit"
_WATCH = r"watch ?os|apple ?watch|\bwatch[0-9],|wear ?os"
_TABLET = r"ipad|tablet|\bsm-[tx][0-9]|kindle|\bkf[a-z]{3,5}\b|silk/|nexus (?:7|9|10)\b|galaxy tab|mediapad|lenovo tb"
_NAMES = {
    "ATV OS X": "tvOS",
    "tvOS": "tvOS",
    "Web0S": "webOS",
    "Chromecast Linux": "Chromecast",
    "Chromecast Fuchsia": "Chromecast",
}
_DEVICES = tuple(
    (re.compile(pattern, re.I), device)
    for pattern, device in ((_TV, "tv"), (_CAR, "car"), (_WATCH, "watch"), (_TABLET, "tablet"))
)
_SYSTEMS = tuple(  # what apps say of a system in words that ua-parser doesn't know
    (re.compile(pattern, re.I), system)
    for pattern, system in (
        (r"\b(?:iphone|ipad|ipod)|\bios[/ ;)]|cpu os \d|homepod|audioaccessory|apple ?tv|watch ?os", "iOS"),
        (r"macintosh|mac ?os ?x|\bos x\b|macos", "Mac OS X"),
        (r"android|stagefright|dalvik|exoplayer|media3|\bokhttp/", "Android"),
        (r"tizen", "Tizen"),
        (r"web0s|webos", "webOS"),
        (r"windows|nsplayer|winamp|foobar2000|wmfsdk|\bwin(?:32|64)\b", "Windows"),
        (r"linux|\bx11\b|ubuntu|debian", "Linux"),
    )
)


@dataclass(frozen=True)
class Agent:
    """What is kept of a user agent. `kind` is bot, monitor, relay, or None for what may be a listener."""

    player: str
    player_version: str | None
    os: str
    device: str
    kind: str | None = None


@cache
def _players() -> list[tuple[re.Pattern[str], str, str | None]]:
    text = resources.files(__package__).joinpath("players.yaml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = yaml.safe_load(text)
    return [(re.compile(row["pattern"], re.I), row["player"], row.get("device")) for row in rows]


def agent(text: str) -> Agent:
    """The agent behind a user-agent string; `other` where nothing is known."""
    return agents([text])[0]


@cache
def _parser() -> Parser:
    """ua-parser without its patterns of devices, which are half of all and tell models that nobody asks for."""
    agents, systems, _ = load_builtins()
    return Parser(Resolver((agents, systems, [])))


_CACHE: dict[str, Agent] = {}  # of one worker: the same agents come in every chunk


def agents(texts: Sequence[str]) -> list[Agent]:
    """The agents behind user-agent strings, in their order."""
    if len(_CACHE) > _CACHE_SIZE:
        _CACHE.clear()
    uncached = [text for text in dict.fromkeys(texts) if text not in _CACHE]
    for text, kind, row in zip(uncached, kinds(uncached), _player_rows(uncached), strict=True) if uncached else ():
        _CACHE[text] = Agent(*_describe_one(text, row), kind=kind)
    return [_CACHE[text] for text in texts]


def _player_rows(texts: Sequence[str]) -> list[int | None]:
    """For each agent the first row of players.yaml that fits: Rust tries all of them faster than Python one."""
    row = pl.lit(None, dtype=pl.Int64)
    for number, (pattern, _, _) in reversed(list(enumerate(_players()))):
        row = pl.when(pl.col("agent").str.contains(f"(?i:{pattern.pattern})")).then(pl.lit(number)).otherwise(row)
    agents = pl.Series("agent", [text[:_LONGEST] for text in texts], dtype=pl.String).to_frame()
    return agents.select(row=row)["row"].to_list()


def _describe_one(text: str, row: int | None) -> tuple[str, str | None, str, str]:
    """player, player_version, os, device."""
    if text in NO_VALUES:
        return OTHER, None, OTHER, OTHER
    text = text[:_LONGEST]
    parsed = _parser()(text, Domain.USER_AGENT | Domain.OS)
    system = parsed.os.family if parsed.os and parsed.os.family != "Other" else _system(text)
    system = _NAMES.get(system, system)
    if row is not None:
        pattern, player, device = _players()[row]
        match = pattern.search(text)
        version = next((group for group in match.groups() if group), None) if match else None
        return player, _major(version), system, device or _device(text, system)
    family = parsed.user_agent.family if parsed.user_agent else OTHER
    version = parsed.user_agent.major if parsed.user_agent else None
    return _plain(family), _major(version), system, _device(text, system)


def _plain(family: str) -> str:
    """A family as people call it; ua-parser takes some from the agent as they stand, so one may hold an address."""
    if family == "Other" or holds_address(family):
        return OTHER
    return family.removeprefix("Mobile ").replace(" Mobile", "")


def _major(version: str | None) -> str | None:
    """A major version; a longer number is none, and might be an address."""
    return version if version and len(version) <= _LONGEST_VERSION else None


def _system(text: str) -> str:
    return next((system for pattern, system in _SYSTEMS if pattern.search(text)), OTHER)


def _device(text: str, system: str) -> str:
    for pattern, device in _DEVICES:
        if pattern.search(text):
            return device
    if system in _MOBILE_SYSTEMS:
        return "mobile"
    return "desktop" if system in _DESKTOP_SYSTEMS else OTHER


def describe(texts: Iterable[str]) -> pl.DataFrame:
    """One row an agent: agent (the string), player, player_version, os, device, client_kind."""
    texts = list(texts)
    rows = [
        (
            text,
            parsed_agent.player,
            parsed_agent.player_version,
            parsed_agent.os,
            parsed_agent.device,
            parsed_agent.kind,
        )
        for text, parsed_agent in zip(texts, agents(texts), strict=True)
    ]
    columns = ("agent", "player", "player_version", "os", "device", "client_kind")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
