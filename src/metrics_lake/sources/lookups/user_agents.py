"""From a user agent to player, major version, operating system, device class and client kind; the string isn't stored.

ua-parser detects browsers and systems, `players.yaml` beside this file radio players, and bots.py clients that are no listeners.
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

OTHER, UNKNOWN = "other", "unknown"  # an agent that isn't recognised; a log format without a field for it
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
_SYSTEMS = tuple(  # words of apps for a system that ua-parser doesn't know
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
    """The stored properties of a user agent. `kind` is bot, monitor, relay, or None if it may be a listener."""

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
    """The properties of a user-agent string; `other` where it isn't recognised."""
    return agents([text])[0]


@cache
def _parser() -> Parser:
    """ua-parser without its device patterns, which are half of all patterns and give models that aren't used."""
    agents, systems, _ = load_builtins()
    return Parser(Resolver((agents, systems, [])))


_CACHE: dict[str, Agent] = {}  # per worker: every chunk has the same agents


def agents(texts: Sequence[str]) -> list[Agent]:
    """The properties of user-agent strings, in the order given."""
    if len(_CACHE) > _CACHE_SIZE:
        _CACHE.clear()
    uncached = [text for text in dict.fromkeys(texts) if text not in _CACHE]
    for text, kind, row in zip(uncached, kinds(uncached), _player_rows(uncached), strict=True) if uncached else ():
        _CACHE[text] = Agent(*_describe_one(text, row), kind=kind)
    return [_CACHE[text] for text in texts]


def _player_rows(texts: Sequence[str]) -> list[int | None]:
    """The first matching row of players.yaml for each agent: Rust tries all rows faster than Python tries one."""
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
    """A family by its common name. ua-parser copies some from the agent, so one may contain an address."""
    if family == "Other" or holds_address(family):
        return OTHER
    return family.removeprefix("Mobile ").replace(" Mobile", "")


def _major(version: str | None) -> str | None:
    """A major version; None for a longer number, which might be an address."""
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
    """One row per agent: agent (the string), player, player_version, os, device, client_kind."""
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
