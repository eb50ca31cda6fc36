"""Tenants, their streams and apps, as `tenants.yaml` states them; and the patterns that assign a request to a stream."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from metrics_lake.config import globs
from metrics_lake.model.periods import Calendar

# Of HLS with MPEG-TS, packed audio, fMP4 and CMAF, of LL-HLS parts, and of DASH (definitions.md section 2).
MEDIA_SUFFIXES = (
    ".ts", ".aac", ".m4s", ".m4a", ".m4v", ".mp4", ".mp4a", ".cmfa", ".cmfv", ".cmft", ".mp3", ".ac3", ".ec3", ".vtt",
    ".webvtt",
)  # fmt: skip
PLAYLIST_SUFFIXES = (".m3u8", ".mpd")
ALL_STREAMS = "*"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"no such time zone: {name!r}; use an IANA name such as Africa/Johannesburg") from None
    return name


def _slug(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,40}", name):
        raise ValueError(f"{name!r} can't be a name: use a to z, 0 to 9, - and _, a letter or digit first, at most 41")
    return name


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"{text!r} is no time of day; write it as '04:00'")
    return text


def network(text: str) -> str:
    """A network in its plain spelling; ValueError for a text that is none."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        problem = "it has bits set behind the prefix" if "host bits" in str(error) else "it can't be read"
        raise ValueError(f"no network: {problem}; write ADDRESS/BITS, zeros behind the prefix") from None


Globs = Annotated[tuple[Annotated[str, AfterValidator(globs.checked)], ...], BeforeValidator(globs.listed)]
Paths = Annotated[tuple[Annotated[str, AfterValidator(globs.checked_path)], ...], BeforeValidator(globs.listed)]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(globs.checked_host)], ...], BeforeValidator(globs.listed)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Network = Annotated[str, AfterValidator(network)]
Slug = Annotated[str, AfterValidator(_slug)]


def _suffix(text: str) -> str:
    """A suffix in lower case; an empty one stands for paths that have none."""
    if text and not re.fullmatch(r"\.[^/?;\s]+", text):
        raise ValueError(f"{text!r} is no suffix: write it as .m4s, or as an empty text for paths without one")
    return text.lower()


Suffixes = Annotated[tuple[Annotated[str, AfterValidator(_suffix)], ...], BeforeValidator(globs.listed)]


def _spelt(number: object) -> object:
    """A number as a text: YAML takes an Apple id without quotes for one."""
    return str(number) if isinstance(number, int) and not isinstance(number, bool) else number


def _numbers(given: object) -> object:
    """One number or several as a list without repeats; an empty text is none."""
    several = given if isinstance(given, list | tuple) else [given] if given not in ("", None) else []
    return tuple(dict.fromkeys(_spelt(number) if isinstance(number, int | str) else repr(number) for number in several))


Number = Annotated[str, BeforeValidator(_spelt)]
Numbers = Annotated[tuple[Annotated[str, Field(pattern=r"^\d+$")], ...], BeforeValidator(_numbers)]


class Strict(BaseModel):
    """A part of the settings: frozen, and a key it doesn't know is an error. A default is the value that a file would state."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Match(Strict):
    """Globs, or lists of globs, on fields of a request; all that are given must match."""

    frontend: Globs = ()
    host: Hosts = ()
    path: Paths = ()

    def pattern(self, field: str) -> str | None:
        """The globs of one field as a regular expression, None where it may be anything. Case counts in paths only."""
        patterns: tuple[str, ...] = getattr(self, field)
        if not patterns:
            return None
        choices = "|".join(globs.expression(pattern) for pattern in patterns)
        return f"{'(?s)' if field == 'path' else '(?is)'}^(?:{choices})$"

    def covers(self, other: Match) -> bool:
        """Whether every request that `other` matches matches this too, as far as the globs alone tell."""
        return all(
            globs.cover(getattr(self, field), getattr(other, field), ignores_case=field != "path")
            for field in type(self).model_fields
        )


class Stream(Strict):
    """One stream of a tenant, and how its requests are recognised."""

    protocol: Literal["hls", "icecast", "tcp"]
    match: Match
    segment_seconds: Annotated[float, Field(gt=0, le=10)] = 6
    media_suffixes: Suffixes = MEDIA_SUFFIXES
    playlist_suffixes: Suffixes = PLAYLIST_SUFFIXES


class App(Strict):
    """One app of a tenant in one store. `vendor` is under whose numbers Apple sells it, or sold it, if not under
    `app_store.vendor` alone.
    """

    store: Literal["apple", "google"]
    id: Number
    name: str
    vendor: Numbers = ()


def _each_once(apps: tuple[App, ...]) -> tuple[App, ...]:
    """Refuses an app that is listed twice: its downloads would count twice."""
    seen: dict[tuple[str, str], App] = {}
    for app in apps:
        first = seen.setdefault((app.store, app.id), app)
        if first is not app:
            vendors = list(dict.fromkeys((*first.vendor, *app.vendor)))
            listed = f", with vendor: {json.dumps(vendors)}" if len(vendors) > 1 else ""
            raise ValueError(f"the app {app.id} of the store {app.store} stands twice; list it once{listed}")
    return apps


class Tenant(Strict):
    """A tenant: its clock, its streams in the order they are tried, its apps."""

    name: str
    timezone: Zone
    streams: dict[Slug, Stream] = {}
    apps: Annotated[tuple[App, ...], AfterValidator(_each_once)] = ()
    internal_networks: tuple[Network, ...] = ()
    own_sites: Globs = ()
    identity: Literal["ip_user_agent", "ip"] | None = None
    week_starts: Literal["monday", "sunday"] = "monday"
    broadcast_day_starts: Annotated[str, AfterValidator(_clock)] = "00:00"

    @property
    def calendar(self) -> Calendar:
        return Calendar(self.timezone, self.week_starts, self.broadcast_day_starts)


def _named(tenants: object) -> object:
    """A tenant that states no name is called by its key."""
    if not isinstance(tenants, dict):
        return tenants
    return {key: {"name": str(key), **value} if isinstance(value, dict) else value for key, value in tenants.items()}


class Tenants(Strict):
    """The whole file."""

    tenants: Annotated[dict[Slug, Tenant], BeforeValidator(_named)]

    def shadowed(self) -> list[tuple[str, str]]:
        """The streams that can never get a request, each with the earlier one that takes all of them, as tenant.stream."""
        streams = [
            (f"{name}.{stream_name}", stream.match)
            for name, tenant in self.tenants.items()
            for stream_name, stream in tenant.streams.items()
        ]
        pairs = (
            (name, next((earlier for earlier, other in streams[:place] if other.covers(match)), None))
            for place, (name, match) in enumerate(streams)
        )
        return [(name, earlier) for name, earlier in pairs if earlier]
