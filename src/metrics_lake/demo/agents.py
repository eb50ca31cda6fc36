"""What players and browsers call themselves, and which page they say they came from.

Catch: no listener here may look like a bot, else the truth would count what the product rightly leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Agent:
    """One user agent as the client sends it; `is_ranged`: it asks with a Range header, so it is answered 206."""

    text: str
    weight: float
    is_browser: bool = False
    is_ranged: bool = False


@dataclass(frozen=True)
class Guest:
    """A client that comes `per_day` times to each tenant's first stream of `protocol` and must not count."""

    agent: str
    exclusion: str
    protocol: str
    per_day: int
    minutes: float
    has_media: bool = True
    step_seconds: int = 0
    is_internal: bool = False


_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"

AGENTS = (
    Agent("AppleCoreMedia/1.0.0.21G93 (iPhone; U; CPU OS 17_6_1 like Mac OS X; en_za)", 14),
    Agent("AppleCoreMedia/1.0.0.22F76 (iPhone; U; CPU OS 18_5 like Mac OS X; en_gb)", 11),
    Agent("AppleCoreMedia/1.0.0.22F76 (iPad; U; CPU OS 18_5 like Mac OS X; en_us)", 3),
    Agent("AppleCoreMedia/1.0.0.22L572 (HomePod; U; CPU OS 18_5 like Mac OS X; en_us)", 2),
    Agent("AcmeRadio/4.12.0 (Linux;Android 13) ExoPlayerLib/2.18.7", 11),
    Agent("TunerApp/6.1.2 (Linux;Android 14) AndroidXMedia3/1.4.1", 10),
    Agent("stagefright/1.2 (Linux;Android 9)", 2),
    Agent("TuneIn Radio/32.9; iPhone14,5; iOS/17.5.1", 5),
    Agent(f"{_WINDOWS} {_KHTML} Chrome/126.0.0.0 Safari/537.36", 9, is_browser=True),
    Agent(f"{_WINDOWS} {_KHTML} Chrome/125.0.0.0 Safari/537.36 Edg/125.0.2535.92", 3, is_browser=True),
    Agent("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", 3, is_browser=True),
    Agent(f"{_MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", 5, is_browser=True),
    Agent(f"Mozilla/5.0 (Linux; Android 10; K) {_KHTML} Chrome/125.0.0.0 Mobile Safari/537.36", 7, is_browser=True),
    Agent(f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) {_KHTML} 76.0.3809.146/6.0 TV Safari/537.36", 1, is_browser=True),
    Agent("Music/1.3.5 (Macintosh; OS X 13.4.1) AppleWebKit/615.2.9.11.7", 2),
    Agent("Linux UPnP/1.0 Sonos/79.1-53290 (ZPS13)", 4),
    Agent("AlexaMediaPlayer/2.1.4676.0 (Linux;Android 5.1.1) ExoPlayerLib/1.5.9", 2),
    Agent("Roku/DVP-12.5 (12.5.0.4178-88)", 1),
    Agent("VLC/3.0.20 LibVLC/3.0.20", 3, is_ranged=True),
    Agent("Lavf/59.27.100", 1, is_ranged=True),
    Agent("foobar2000/2.1.5", 1),
    Agent("GStreamer souphttpsrc 1.22.0 libsoup/3.2.2", 0.5),
    Agent("okhttp/4.9.3", 1),
    Agent("curl/7.88.1", 0.3),
    Agent('My "Radio" {beta|v2}/1.0 \\ Künstler #1', 0.7),
    Agent("Mozilla/5.0 (compatible; CarUnit/9.1" + "; feature-flag-abcdef" * 9 + ")", 0.7),
    Agent("", 0),  # sent as nothing or as `-`; given to one person in forty
)
RANGED = tuple(agent.text for agent in AGENTS if agent.is_ranged)
BROWSERS = tuple(agent.text for agent in AGENTS if agent.is_browser)

GUESTS = (
    Guest("UptimeProbe/2.0 (http://uptime.example/)", "monitor", "hls", 1, 60, has_media=False, step_seconds=10),
    Guest("StationList/1.0 (app; looks only)", "no_media", "hls", 3, 0.1, has_media=False, step_seconds=10),
    Guest("SampleBot/2.1 (+https://crawler.example/about)", "bot", "hls", 3, 1),
    Guest("Icecast 2.4.4", "relay", "icecast", 1, 660),
    Guest("VLC/3.0.18 LibVLC/3.0.18", "internal", "icecast", 1, 300, is_internal=True),
)

# For browsers; `{}` is the tenant. Players and apps send none, or the last one.
REFERRERS = (
    "https://www.{}.example/listen-live",
    "https://www.{}.example/?utm_source=newsletter&utm_campaign=breakfast%20show",
    "https://search.example/",
    "https://l.social.example/l.php?u=https%3A%2F%2F{}.example%2F&h=AT0x|7{{x}}#top",
    "https://directory.example/station/s%2012",
    "",
    "android-app://za.co.tuner.live/",
)
