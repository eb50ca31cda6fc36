"""Tenants, their streams and apps, as `tenants.yaml` states them; and the patterns that assign a request to a stream."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

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
        raise ValueError(f"{name!r} can't be a name: use a to z, 0 to 9, - and _, at most 41 of them")
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
        raise ValueError(f"no network: {error}; write it as 10.0.0.0/8") from None


def _listed(globs: object) -> object:
    return [globs] if isinstance(globs, str) else globs


def _glob(text: str) -> str:
    try:
        re.compile(_expression(text))
    except re.error:
        raise ValueError(f"{text!r} is no glob: in [a-z] the first must not come after the last") from None
    return text


Globs = Annotated[tuple[Annotated[str, AfterValidator(_glob)], ...], BeforeValidator(_listed)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Network = Annotated[str, AfterValidator(network)]
Slug = Annotated[str, AfterValidator(_slug)]


def _suffix(text: str) -> str:
    """A suffix in lower case; an empty one stands for paths that have none."""
    if text and not re.fullmatch(r"\.[^/?;\s]+", text):
        raise ValueError(f"{text!r} is no suffix: write it as .m4s, or as an empty text for paths without one")
    return text.lower()


Suffixes = Annotated[tuple[Annotated[str, AfterValidator(_suffix)], ...], BeforeValidator(_listed)]


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
    """A part of the settings: frozen, and a key it doesn't know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _expression(glob: str) -> str:
    """A glob as the kind of regular expression that Polars knows, which fnmatch.translate's are not under every Python."""
    return "".join(_part(part) for part in re.findall(r"\[!?\]?[^\]]*\]|.", glob, re.DOTALL))


def _part(part: str) -> str:
    if len(part) == 1:
        return {"*": ".*", "?": "."}.get(part, re.escape(part))
    negation = "^" if part[1] == "!" else ""
    inside = re.sub(r"([\\^&~\[\]])", r"\\\1", part[1 + len(negation) : -1])
    return f"[{negation}{inside}]"


class Match(Strict):
    """Globs, or lists of globs, on fields of a request; all that are given must match."""

    frontend: Globs = ()
    host: Globs = ()
    path: Globs = ()

    def pattern(self, field: str) -> str | None:
        """The globs of one field as a regular expression, None where it may be anything. Case counts in paths only."""
        globs: tuple[str, ...] = getattr(self, field)
        if not globs:
            return None
        choices = "|".join(_expression(glob) for glob in globs)
        return f"{'(?s)' if field == 'path' else '(?is)'}^(?:{choices})$"


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
