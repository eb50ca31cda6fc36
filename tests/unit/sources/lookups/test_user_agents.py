"""User agents of the real world, each with its stored properties."""

from __future__ import annotations

import re
from datetime import date

import crawleruseragents
import pytest
import yaml

from metrics_lake.sources.lookups import bots, user_agents
from metrics_lake.sources.lookups.user_agents import Agent

# kind | player | version | os | device | agent
TABLE = r"""
- | AppleCoreMedia | 1 | iOS | mobile | AppleCoreMedia/1.0.0.21G93 (iPhone; U; CPU OS 17_6_1 like Mac OS X; en_za)
- | AppleCoreMedia | 1 | iOS | tablet | AppleCoreMedia/1.0.0.22F76 (iPad; U; CPU OS 18_5 like Mac OS X; en_us)
- | HomePod | - | iOS | speaker | AppleCoreMedia/1.0.0.22L572 (HomePod; U; CPU OS 18_5 like Mac OS X; en_us)
- | AppleCoreMedia | 1 | tvOS | tv | AppleCoreMedia/1.0.0.21K69 (Apple TV; U; CPU OS 17_1 like Mac OS X; en_us)
- | AppleCoreMedia | 1 | Mac OS X | desktop | AppleCoreMedia/1.0.0.23F79 (Macintosh; U; Intel Mac OS X 14_5; en_us)
- | AppleCoreMedia | 1 | iOS | watch | AppleCoreMedia/1.0.0.20T570 (Apple Watch; U; CPU OS 9_6 like Mac OS X; en_us)
- | Media3/ExoPlayer | 2 | Android | mobile | AcmeRadio/4.12.0 (Linux;Android 13) ExoPlayerLib/2.18.7
- | Media3/ExoPlayer | 1 | Android | mobile | TunerApp/6.1.2 (Linux;Android 14) AndroidXMedia3/1.4.1
- | Stagefright | 1 | Android | mobile | stagefright/1.2 (Linux;Android 9)
- | TuneIn | 32 | iOS | mobile | TuneIn Radio/32.9; iPhone14,5; iOS/17.5.1
- | TuneIn | 35 | Android | mobile | TuneIn Radio Pro/35.1; Android 14
- | Chrome | 126 | Windows | desktop | Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36
- | Firefox | 127 | Ubuntu | desktop | Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0
- | Safari | 17 | Mac OS X | desktop | Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15
- | Chrome | 125 | Android | mobile | Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36
- | Safari | 17 | iOS | mobile | Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1
- | Safari | - | Tizen | tv | Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36
- | Chrome | 94 | webOS | tv | Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 WebAppManager
- | Chrome WebView | 118 | Android | tv | Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7633; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/118.0.0.0 Mobile Safari/537.36
- | Car | - | Linux | car | Mozilla/5.0 (X11; GNU/Linux) AppleWebKit/537.36 (KHTML, like Gecko) Chromium/79.0.3945.130 Safari/537.36 Tesla/2020.16.2.1-e99c70fff409
- | Chrome | 120 | Android | mobile | Mozilla/5.0 (Linux; Android 13; CUBOT KINGKONG 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36
- | Google Cast | - | Chromecast | speaker | Mozilla/5.0 (X11; Linux aarch64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.5735.133 Safari/537.36 CrKey/1.56.500000
- | Apple Music | 1 | Mac OS X | desktop | Music/1.3.5 (Macintosh; OS X 13.4.1) AppleWebKit/615.2.9.11.7
- | iTunes | 12 | Windows | desktop | iTunes/12.12.4 (Windows; Microsoft Windows 10 x64; x64) AppleWebKit/7613.2007
- | Sonos | 79 | Linux | speaker | Linux UPnP/1.0 Sonos/79.1-53290 (ZPS13)
- | Alexa | 2 | Android | speaker | AlexaMediaPlayer/2.1.4676.0 (Linux;Android 5.1.1) ExoPlayerLib/1.5.9
- | Roku | 12 | Roku | tv | Roku/DVP-12.5 (12.5.0.4178-88)
- | VLC | 3 | other | other | VLC/3.0.20 LibVLC/3.0.20
- | FFmpeg | 59 | other | other | Lavf/59.27.100
- | foobar2000 | 2 | Windows | desktop | foobar2000/2.1.5
- | Winamp | 5 | Windows | desktop | WinampMPEG/5.66, Ultravox/2.1
- | GStreamer | 1 | other | other | GStreamer souphttpsrc 1.22.0 libsoup/3.2.2
- | okhttp | 4 | Android | mobile | okhttp/4.9.3
- | curl | 7 | other | other | curl/7.88.1
- | Wget | 1 | other | other | Wget/1.21.3
- | Python | 2 | other | other | python-requests/2.31.0
- | Java | 17 | other | other | Java/17.0.9
- | Flutter | 3 | other | other | Dart/3.2 (dart:io)
- | Go | 1 | other | other | Go-http-client/1.1
- | Android app | - | Android | mobile | Dalvik/2.1.0 (Linux; U; Android 12; SM-A125F Build/SP1A.210812.016)
- | CFNetwork | - | iOS | mobile | RadioApp/12 CFNetwork/1494.0.7 Darwin/23.4.0
- | mpv | 0 | other | other | mpv 0.36.0
- | MPlayer | 2 | other | other | MPlayer2/10.0.0.3802
- | Windows Media Player | 12 | Windows | desktop | NSPlayer/12.00.19041.3636 WMFSDK/12.00.19041.3636
- | Bose | - | other | speaker | Bose/25.0.4
- | Kodi | 20 | Android | tv | Kodi/20.2 (Linux; Android 11; SHIELD Android TV) Android/11.0.0 Sys_CPU/aarch64 App_Bitness/64 Version/20.2
- | MPD | 0 | other | speaker | Music Player Daemon 0.23.5
- | Squeezebox | - | other | speaker | SqueezeCenter, Squeezebox Server, Logitech Media Server/8.3.1/1676361197
- | Internet radio | - | other | speaker | Frontier Silicon IR/3.1
- | Console | - | other | console | XboxOne/1.0
- | Radio Garden | 3 | iOS | mobile | Radio Garden/3.6 (iPhone; iOS 17.4)
- | radio.net | 5 | Android | mobile | radio.de/5.14 (Android 13)
- | BBC Sounds | 3 | iOS | mobile | BBC Sounds/3.12.0 (iPhone; iOS 17.5.1)
- | iHeartRadio | 10 | Android | mobile | iHeartRadio/10.37.0 (Android 13; Pixel 7)
- | RadioDroid | 0 | other | other | RadioDroid2/0.86
- | Overcast | 3 | iOS | mobile | Overcast/3.0 (+http://overcast.fm/; iOS podcast app)
- | other | - | other | car | Mozilla/5.0 (compatible; CarUnit/9.1; feature-flag-abcdef)
- | Spotify | 8 | iOS | mobile | Spotify/8.8.12 iOS/16.5 (iPhone14,2)
- | Microcontroller radio | - | other | speaker | ESP32/Arduino HTTPClient
- | Streamripper | 1 | other | desktop | Streamripper/1.64.6
relay | Icecast | 2 | other | server | Icecast 2.4.4
relay | Icecast | 2 | other | server | Icecast/2.4.0-kh15
relay | Liquidsoap | 2 | other | server | Liquidsoap/2.2.4 (Unix; OCaml 4.14.1)
relay | SHOUTcast | - | Linux | server | SHOUTcast Distributed Network Audio Server/posix(linux x64) v2.6.0.753
monitor | other | - | other | other | UptimeProbe/2.0 (http://uptime.example/)
monitor | UptimeRobot | 2 | other | other | Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)
monitor | PingdomBot | 1 | other | other | Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)
monitor | other | - | other | other | check_http/v2.3.3 (monitoring-plugins 2.3.3)
monitor | other | - | other | other | Nagios-Plugins/2.3
monitor | other | - | other | other | StatusCake
monitor | other | - | other | other | Blackbox Exporter/0.24.0
monitor | Better Stack Better Uptime Bot | - | Mac OS X | desktop | Better Stack Better Uptime Bot Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)
monitor | other | - | other | other | Amazon-Route53-Health-Check-Service (ref 1234; report http://amzn.to/1vsZADi)
monitor | other | - | other | other | kube-probe/1.28
bot | SomethingBot | 1 | other | other | SomethingBot/1.0
bot | SampleBot | 2 | other | other | SampleBot/2.1 (+https://crawler.example/about)
bot | Googlebot | 2 | other | other | Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
bot | Googlebot | 2 | Android | mobile | Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
bot | bingbot | 2 | other | other | Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)
bot | WhatsApp | 2 | other | other | WhatsApp/2.23.20.0
bot | WhatsApp | 2 | other | other | WhatsApp/2.2412.54 W
bot | FacebookBot | 1 | other | other | facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)
bot | Slackbot-LinkExpanding | 1 | other | other | Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)
bot | TelegramBot | - | other | other | TelegramBot (like TwitterBot)
bot | Twitterbot | 1 | other | other | Twitterbot/1.0
bot | Discordbot | 2 | other | other | Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)
bot | other | - | other | other | LinkPreview/1.0
bot | HeadlessChrome | 120 | Linux | desktop | Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.6099.109 Safari/537.36
bot | Scrapy | 2 | other | other | Scrapy/2.11.0 (+https://scrapy.org)
bot | Baiduspider-render | 2 | other | other | Baiduspider-render/2.0
bot | GPTBot | 1 | other | other | GPTBot/1.1 (+https://openai.com/gptbot)
bot | ClaudeBot | 1 | other | other | Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)
bot | okhttp | 4 | Android | mobile | okhttp/4.9.3 SomethingBot/1.0
- | Media3/ExoPlayer | 1 | Android | mobile | Botany Radio/3.1 (Linux;Android 14) AndroidXMedia3/1.4.1
- | Media3/ExoPlayer | 2 | Android | mobile | Scanner Radio/7.1 (Linux;Android 13) ExoPlayerLib/2.19.1
- | other | - | other | other | My "Radio" {beta|v2}/1.0 \ Künstler #1
"""
ROWS = [tuple(None if part == "-" else part for part in line.split(" | ", 5)) for line in TABLE.strip("\n").split("\n")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[5])[:50])
def test_each_agent_is_known_for_what_it_is(row):
    kind, player, version, os, device, text = row
    assert user_agents.agent(text) == Agent(player, version, os, device, kind)


def test_there_are_many_agents_of_each_kind():
    counts = {kind: sum(row[0] == kind for row in ROWS) for kind in (None, "bot", "monitor", "relay")}
    assert len(ROWS) >= 80 and min(counts.values()) >= 4


@pytest.mark.parametrize("text", ["", "-"])
def test_no_agent_is_no_robot(text):
    assert user_agents.agent(text) == Agent("other", None, "other", "other", None)


def test_descriptions_come_in_the_order_asked_for_each_time():
    texts = [row[5] for row in ROWS]
    first, again = user_agents.describe(texts), user_agents.describe(reversed(texts))
    assert first["agent"].to_list() == texts
    assert first.rows() == again.rows()[::-1]
    assert first.columns == ["agent", "player", "player_version", "os", "device", "client_kind"]


def test_nothing_to_describe_is_an_empty_frame():
    assert user_agents.describe([]).rows() == []


@pytest.mark.parametrize(
    "text",
    ["Mozilla/5.0 (Linux; Android 9; CUBOT_X19) Mobile Safari/537.36", "Abbott FM/1.0", "robotics radio", "Spiderman/1",
     "SpiderMonkey", "bottom", "Studio Monitors/2", "monitorial", "Probecast", "okhttp/4", "Chirp Radio/2.0 (iPhone)",
     "Mozilla/5.0 (Linux; Android 11) [FBAN/FB4A;FBAV/400.0;] MetaIAB Facebook", "Pocket Casts/7.4 (+http://x.example/)"],
)  # fmt: skip
def test_what_only_looks_like_a_robot_is_a_listener(text):
    assert user_agents.agent(text).kind is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [("somethingbot", "bot"), ("My-Crawler", "bot"), ("web spider 2", "bot"), ("CUBOT Googlebot/2.1", "bot"),
     ("Uptime checker", "monitor"), ("healthcheck/1", "monitor"), ("StreamProbe/3", "monitor"), ("MyRelay/1.0", "relay"),
     ("curl/8 (StreamMonitor)", "monitor"), ("Python-urllib/3.11 crawler", "bot")],
)  # fmt: skip
def test_a_robot_nobody_has_heard_of_says_so_itself(text, kind):
    assert user_agents.agent(text).kind == kind


@pytest.mark.parametrize("library", ["okhttp/4.9.3", "Wget/1.21", "curl/8.1", "python-requests/2.31", "Java/17", "Dart/3.2", "Go-http-client/2.0", "libwww-perl/6.67", "axios/1.6", "Apache-HttpClient/4.5"])  # fmt: skip
def test_a_library_that_fetches_media_is_a_listener(library):
    assert user_agents.agent(library).kind is None


def test_no_player_of_the_list_of_players_is_a_robot():
    names = {re.sub(r"[^a-z0-9. ]", " ", player.lower()) for _, player, _ in user_agents._players()}
    servers = {"icecast", "liquidsoap", "shoutcast"}
    assert {name for name in names - servers if bots.kinds([name + "/1.0"])[0]} == set()


def test_every_rule_has_a_kind_a_date_and_a_reason():
    rules = yaml.safe_load(bots._text())
    rows = [*rules["listeners"], *rules["rules"], *rules["generic"]]
    assert all(isinstance(row["since"], date) and row["since"] <= rules["version"] and row["why"] for row in rows)
    assert {row["kind"] for row in rules["rules"] + rules["generic"]} == set(rules["kinds"])


def test_every_pattern_left_out_of_the_list_is_still_in_it():
    listed = {row["pattern"] for row in crawleruseragents.CRAWLER_USER_AGENTS_DATA}
    assert set(yaml.safe_load(bots._text())["left_out"]) <= listed


def test_the_rules_have_a_version_that_names_the_list_s():
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\+list-[\d.]+\+[0-9a-f]{8}", user_agents.rules_version())


def test_a_hostile_agent_costs_no_more_than_a_long_one():
    for unit in ("a", "bot", "(", "compatible;", "http://", "x/1 "):
        user_agents.agent(unit * (1_000_000 // len(unit)))


@pytest.mark.parametrize(
    "text", ["192-0-2-7Bot/1.0", "c0000207Bot/1.0", "VLC/3221225991", "Chrome/3221225991.0", "Tv-192.0.2.7/1 okhttp/4"]
)
def test_an_address_in_an_agent_is_in_nothing_that_is_kept_of_it(text):
    kept = repr(user_agents.agent(text))
    assert not [form for form in ("192-0-2-7", "192.0.2.7", "c0000207", "3221225991") if form in kept]
