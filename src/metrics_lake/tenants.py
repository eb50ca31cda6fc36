"""Tenants, their streams and apps, as `tenants.yaml` states them; and which stream a request belongs to."""

from __future__ import annotations

import ipaddress
import re
from datetime import time
from fnmatch import translate
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from metrics_lake.periods import Calendar

MEDIA_SUFFIXES = (".ts", ".aac", ".m4s", ".mp4", ".mp3", ".ac3", ".vtt")
PLAYLIST_SUFFIXES = (".m3u8",)
ALL_STREAMS = "*"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"no such time zone: {name!r}; use an IANA name such as Africa/Johannesburg") from None
    return name


def _slug(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,40}", name):
        raise ValueError(f"{name!r} can't be a name: use a to z, 0 to 9, - and _, at most 41 of them")
    return name


def _clock(text: str) -> str:
    try:
        time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time of day; write it as '04:00'") from None
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f"no network: {error}; write it as 10.0.0.0/8") from None


def _listed(globs: object) -> object:
    return [globs] if isinstance(globs, str) else globs


Globs = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Network = Annotated[str, AfterValidator(_network)]


class Strict(BaseModel):
    """A part of the settings: frozen, and a key it doesn't know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(Strict):
    """Globs, or lists of globs, on what a request names; those given must all hold."""

    frontend: Globs = ()
    host: Globs = ()
    path: Globs = ()

    def pattern(self, of: str) -> str | None:
        """The globs of one field as a regular expression, None where it may be anything. Case counts in paths only."""
        globs: tuple[str, ...] = getattr(self, of)
        if not globs:
            return None
        choices = "|".join(translate(glob).replace(r"\Z", r"\z").replace("(?>", "(?:") for glob in globs)
        return f"{'' if of == 'path' else '(?i)'}^(?:{choices})"


class Stream(Strict):
    """One stream of a tenant and how its requests are told."""

    protocol: Literal["hls", "icecast", "tcp"]
    match: Match
    segment_seconds: Annotated[float, Field(gt=0, le=10)] = 6
    media_suffixes: tuple[str, ...] = MEDIA_SUFFIXES
    playlist_suffixes: tuple[str, ...] = PLAYLIST_SUFFIXES


class App(Strict):
    """One app of a tenant in one store."""

    store: Literal["apple", "google"]
    id: str
    name: str


class Tenant(Strict):
    """A tenant: its clock, its streams in the order they are tried, its apps."""

    name: str
    timezone: Zone
    streams: dict[Annotated[str, AfterValidator(_slug)], Stream] = {}
    apps: tuple[App, ...] = ()
    internal_networks: tuple[Network, ...] = ()
    own_sites: Globs = ()
    identity: Literal["ip_user_agent", "ip"] | None = None
    week_starts: Literal["monday", "sunday"] = "monday"
    broadcast_day_starts: Annotated[str, AfterValidator(_clock)] = "00:00"

    @property
    def calendar(self) -> Calendar:
        return Calendar(self.timezone, self.week_starts, self.broadcast_day_starts)


class Tenants(Strict):
    """The whole file."""

    tenants: dict[Annotated[str, AfterValidator(_slug)], Tenant]
