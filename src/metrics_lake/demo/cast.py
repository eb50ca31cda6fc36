"""The invented tenants and their streams, and the tenants.yaml that describes them to the product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True)
class Stream:
    """One stream; `path` is a folder ending in `/` (HLS) or the mount (Icecast), `share` of its tenant's sessions."""

    name: str
    protocol: str
    share: float
    host: str
    path: str
    match: dict[str, str | tuple[str, ...]]
    segment_seconds: int = 6
    extension: str = "ts"
    content_type: str = "audio/mpeg"
    title: str = ""


@dataclass(frozen=True)
class Tenant:
    """One radio house; `networks`: first bytes of its listeners' IPv4, `network6`: the first 32 bits of their IPv6."""

    key: str
    name: str
    timezone: str
    share: float
    networks: tuple[int, ...]
    network6: int
    streams: tuple[Stream, ...]


_WEB = ("fe_hls", "fe_mapped", "fe_tls")

ACME = (
    Stream("live", "hls", 0.18, "stream.acme.example", "/acme/live/",
           {"frontend": _WEB, "host": "*.acme.example", "path": "/acme/live/*"}),
    Stream("gold", "hls", 0.07, "stream.acme.example", "/acme/gold/",
           {"frontend": _WEB, "host": "*.acme.example", "path": "/acme/gold/*"}, segment_seconds=4, extension="m4s"),
    Stream("fm", "icecast", 0.55, "ice.acme.example", "/acme.mp3", {"path": "/acme.mp3"}, title="Acme FM"),
    Stream("talk", "icecast", 0.20, "ice.acme.example", "/acme-talk.aac", {"path": "/acme-talk.*"},
           content_type="audio/aac", title="Acme Talk"),
)  # fmt: skip
HIMAL = (
    Stream("live", "hls", 0.18, "listen.himal.example", "/himal/live/", {"path": "/himal/live/*"}, extension="aac"),
    Stream("news", "hls", 0.08, "listen.himal.example", "/himal/news/", {"path": "/himal/news/*"}, segment_seconds=4),
    Stream("ice", "icecast", 0.74, "listen.himal.example", "/himal/live.mp3",
           {"frontend": "fe_icecast", "path": "/himal/live.*"}, title="Himal FM · नेपाल"),
)  # fmt: skip
HUDSON = (
    Stream("main", "hls", 0.17, "main.hudson.example", "/hls/", {"host": "main.hudson.example"}),
    Stream("classical", "hls", 0.08, "classical.hudson.example", "/hls/",
           {"host": ("classical.hudson.example", "klassik.*"), "path": "/hls/*"}),
    Stream("jazz", "icecast", 0.45, "ice.hudson.example", "/jazz.mp3",
           {"host": "ice.hudson.example", "path": ("/jazz.mp3", "/jazz.aac")}, title="Hudson Jazz"),
    Stream("web", "icecast", 0.30, "ice.hudson.example", "/web.ogg", {"host": "ice.hudson.example", "path": "/web.*"},
           content_type="application/ogg", title="Hudson “Café” {Web}"),
)  # fmt: skip

TENANTS = (
    Tenant("acme", "Acme Radio", "Africa/Johannesburg", 0.5, (41, 102, 105, 154, 196, 197), 0x2C0FF2A0, ACME),
    Tenant("himal", "Himal FM", "Asia/Kathmandu", 0.2, (27, 36, 43, 103, 110), 0x24001B60, HIMAL),
    Tenant("hudson", "Hudson Public Radio", "America/New_York", 0.3, (24, 66, 68, 71, 98, 173), 0x26007A40, HUDSON),
)


def tenants_yaml() -> str:
    """The text of tenants.yaml with every stream of the cast, and the studios' own network."""
    tenants = {
        tenant.key: {
            "name": tenant.name,
            "timezone": tenant.timezone,
            "streams": {stream.name: _mapping(stream) for stream in tenant.streams},
            "internal_networks": ["10.0.0.0/8"],
        }
        for tenant in TENANTS
    }
    text: str = yaml.safe_dump({"tenants": tenants}, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return text


def _mapping(stream: Stream) -> dict[str, Any]:
    segments = {"segment_seconds": stream.segment_seconds} if stream.protocol == "hls" else {}
    match = {field: glob if isinstance(glob, str) else list(glob) for field, glob in stream.match.items()}
    return {"protocol": stream.protocol, **segments, "match": match}
