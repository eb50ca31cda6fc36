"""The invented traffic is stable, looks like HAProxy's, and its truth is what a slow reading of the lines gives."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
import yaml

from metrics_lake.demo import line_text, planned_sessions, truth
from metrics_lake.demo.traffic import Plan, Truth, generate
from metrics_lake.demo.truth import Session

SMALL = Plan(seed=1, first_day=date(2001, 1, 15), days=2, sessions_per_day=130, clients=90, mean_minutes=2)
MESSAGE = re.compile(
    r"(?P<ip>[0-9a-f.:]+):\d+ \[(?P<at>[^]]+)\] (?P<frontend>\w+)~? (?P<server>\S+) (?:-?\d+/){4}(?P<ta>\d+) "
    r"(?P<status>\d+) \d+ - - [-CDPRSL]{4} (?:\d+/){4}\d+ 0/0 (?:\{(?P<captures>[^}]*)\} )?(?:\{[^}]*\} )?"
    r'"(?P<request>[^"]*)"'
)
LINE = re.compile(r"(?P<stamp>Jan 1[567] \d\d:\d\d:\d\d) edge-01 haproxy\[\d+\]: (?P<message>.*)")


class Made(NamedTuple):
    folder: Path
    truth: Truth
    progress: list[tuple[int, int, int]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("traffic")
    progress: list[tuple[int, int, int]] = []
    return Made(folder, generate(SMALL, folder, on_progress=lambda *at: progress.append(at)), progress)


@pytest.fixture(scope="module")
def messages(made: Made) -> list[str]:
    return [line.split("]: ", 1)[1] for path in landed(made.folder) for line in text(path)]


def landed(folder: Path) -> list[Path]:
    return sorted(folder.glob("landing/haproxy/edge-01/*/*/*/haproxy-??-00.log.gz"))


def text(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode("ascii").splitlines()


def digest(folder: Path) -> str:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(str(p.relative_to(folder)).encode() + p.read_bytes() for p in found)).hexdigest()


def test_equal_plans_write_equal_bytes(made: Made, tmp_path: Path) -> None:
    generate(SMALL, tmp_path)
    assert digest(tmp_path) == digest(made.folder)


def test_another_seed_draws_other_people() -> None:
    one, two = (planned_sessions.planned(Plan(seed=seed, days=1, sessions_per_day=60, clients=60)) for seed in (2, 3))
    ours = set(one["address"]) & set(two["address"])
    assert all(address.startswith(("203.0.", "10.20.")) for address in ours), "only guests have fixed addresses"


def test_a_file_holds_what_ended_in_the_hour_before_its_name(made: Made) -> None:
    paths = landed(made.folder)
    assert len(paths) == made.truth.file_count == 48
    assert str(paths[0]).endswith("2001/01/15/haproxy-01-00.log.gz")
    assert str(paths[-1]).endswith("2001/01/17/haproxy-00-00.log.gz")
    for path in paths:
        rotated = datetime.strptime("/".join(path.parts[-4:]), "%Y/%m/%d/haproxy-%H-00.log.gz")
        hour = f"{rotated - timedelta(hours=1):%b %d %H}"
        assert all(line.startswith(hour) for line in text(path)), path


def test_progress_tells_files_and_lines(made: Made) -> None:
    assert [done for done, _, _ in made.progress] == list(range(1, 49))
    assert made.progress[-1] == (48, 48, made.truth.line_count)
    assert sum(len(text(path)) for path in landed(made.folder)) == made.truth.line_count


def test_every_line_is_httplog_a_handshake_failure_or_a_notice(made: Made) -> None:
    other = re.compile(
        r"(Server bk_hls/web1 is (DOWN|UP), |Proxy fe_hls stopped |[0-9a-f.:]+ \[.*: SSL handshake fail)"
    )
    for path in landed(made.folder):
        for line in text(path):
            found = LINE.fullmatch(line)
            assert found, line
            assert MESSAGE.fullmatch(found["message"]) or other.match(found["message"]), line


FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
GOLDEN = """
Jan 15 00:00:00 edge-01 haproxy[29320]: 196.161.79.136:32768 [15/Jan/2001:00:00:00.003] fe_hls bk_hls/web1 0/0/0/0/2 206 486 - - ---- 20/9/0/0/0 0/0 {stream.acme.example||VLC/3.0.20 LibVLC/3.0.20} "GET /acme/live/index.m3u8 HTTP/1.1"
Jan 15 00:00:02 edge-01 haproxy[29320]: 2c0f::7:40687 [15/Jan/2001:00:00:01.999] fe_tls~ bk_hls/web2 0/0/0/1/1 200 48001 - - ---- 20/9/0/0/0 0/0 {stream.acme.example|https://x.example/?a#7C#7Bb#7D#23|Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0} "GET https://stream.acme.example/acme/gold/media-b96_163299000.m4s?utm_source=app&dist=Tuner%20App HTTP/2.0"
Jan 15 02:00:00 edge-01 haproxy[29320]: ::ffff:24.1.2.3:48606 [15/Jan/2001:00:00:00.000] fe_icecast bk_icecast/ice1 0/0/0/260/7200123 200 115267504 - - CD-- 20/9/0/0/0 0/0 {listen.himal.example||My #22Radio#22 #7Bbeta#7Cv2#7D/1.0 \\ K#C3#BCnstler} {audio/mpeg|Himal FM #C2#B7 #E0#A4#A8#E0#A5#87#E0#A4#AA#E0#A4#BE#E0#A4#B2} "GET /himal/live.mp3 HTTP/1.1"
"""


def test_lines_are_as_haproxy_writes_them() -> None:
    drawn = (
        {"stream_no": 0, "address": "196.161.79.136", "agent": "VLC/3.0.20 LibVLC/3.0.20", "step_ms": 6_000},
        {
            "stream_no": 1,
            "address": "2c0f::7",
            "agent": FIREFOX,
            "referrer": "https://x.example/?a|{b}#",
            "step_ms": 4_000,
        },
        {"stream_no": 6, "address": "::ffff:24.1.2.3", "agent": 'My "Radio" {beta|v2}/1.0 \\ Künstler', "step_ms": 0},
    )
    planned = pl.DataFrame([{"session_no": n, "referrer": "", "starts_ms": 0, **row} for n, row in enumerate(drawn)])
    asked = pl.DataFrame(
        {
            "session_no": [0, 1, 2],
            "media_no": [-1, 163299000, 0],
            "accepted_ms": [979516800003, 979516801999, 979516800000],
            "ended_ms": [979516800005, 979516802000, 979524000123],
            "bits": [0, 2**45 + 2**46 + 2**49, 2**52],
        }
    )
    assert line_text.lines(line_text.messages(asked, line_text.line_parts(planned))) == GOLDEN.lstrip()


def test_a_cut_comes_before_the_escape() -> None:
    """As HAProxy: `len` counts bytes of the header, not of the line."""
    assert line_text.escaped("Künstler", 3) == "K#C3#BC"
    assert line_text.escaped('a"#{|}b\t', 160) == "a#22#23#7B#7C#7Db#09"


def test_the_truth_is_what_a_slow_reading_of_the_lines_gives(made: Made, messages: list[str]) -> None:
    streams = [
        (tenant, name, stream)
        for tenant, settings in yaml.safe_load((made.folder / "tenants.yaml").read_text())["tenants"].items()
        for name, stream in settings["streams"].items()
    ]
    pieces: dict[tuple[str, str, str, str], list[tuple[int, int, bool]]] = defaultdict(list)
    for message in messages:
        request = MESSAGE.fullmatch(message)
        if request:
            read(request, streams, pieces)
    got = sorted(session for key, found in pieces.items() for session in joined(key, found))
    assert got == sorted((s.tenant, s.stream, s.started_ms, s.ended_ms, s.exclusion or "") for s in made.truth.sessions)


def read(request: re.Match[str], streams: list[Any], pieces: dict[Any, list[tuple[int, int, bool]]]) -> None:
    """Section 2, one line: is it evidence, of which stream, of whom, from when to when?"""
    method, target = [*request["request"].split(" "), ""][:2]
    path = re.sub(r"^https://[^/]+|\?.*", "", target)
    host, _, agent = (request["captures"] or "||").split("|")
    mine = next((s for s in streams if claims(s[2]["match"], request["frontend"], host, path)), None)
    is_playlist, is_media = path.endswith(".m3u8"), path.endswith((".ts", ".aac", ".m4s", ".mp3", ".ogg"))
    is_answered = request["status"] in ("200", "206") or (request["status"] == "304" and is_playlist)
    if mine is None or method != "GET" or not is_answered or not (is_playlist or is_media):
        return
    accepted = datetime.strptime(request["at"] + "+0000", "%d/%b/%Y:%H:%M:%S.%f%z")
    start = (accepted - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)
    is_long = mine[2]["protocol"] == "icecast"
    extension = 0 if is_long or is_playlist else mine[2]["segment_seconds"] * 1_000
    key = (*mine[:2], network(request["ip"]), agent.removeprefix("-"))
    pieces[key].append((start, start + int(request["ta"]) + extension, is_media))


def claims(match: dict[str, Any], frontend: str, host: str, path: str) -> bool:
    asked = {"frontend": frontend, "host": host, "path": path}
    globs = {field: [glob] if isinstance(glob, str) else glob for field, glob in match.items()}
    return all(any(fnmatchcase(asked[field], glob) for glob in globs[field]) for field in globs)


def network(address: str) -> str:
    ip = ip_address(address)
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or int(ip) >> 64)


def joined(key: tuple[str, str, str, str], pieces: list[tuple[int, int, bool]]) -> list[tuple[str, str, int, int, str]]:
    """Pieces no further apart than 60 s are one session; exclusions as definitions.md section 3 orders them."""
    tenant, stream, address, agent = key
    merged: list[tuple[int, int, bool]] = []
    for start, end, is_media in sorted(pieces):
        if merged and start - merged[-1][1] <= 60_000:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end), merged[-1][2] or is_media)
        else:
            merged.append((start, end, is_media))
    fixed = (
        "bot"
        if "SampleBot" in agent
        else "monitor"
        if "UptimeProbe" in agent
        else "relay"
        if "Icecast" in agent
        else ""
        if agent
        else "no_user_agent"
    )
    fixed = fixed or ("internal" if address.startswith("10.") else "")
    return [
        (tenant, stream, start, end, fixed or ("" if has_media else "no_media")) for start, end, has_media in merged
    ]


def test_the_truth_keeps_the_invariants_of_the_definitions(made: Made) -> None:
    for tenant in made.truth.tenants.values():
        whole = tenant["all"]["*"]
        for stream, of_all in tenant["all"].items():
            days = [day[stream] for day in tenant["days"].values() if stream in day]
            assert of_all["total_sessions"] == sum(day["total_sessions"] for day in days)
            assert of_all["listening_seconds"] == pytest.approx(sum(day["listening_seconds"] for day in days))
            assert of_all["peak_listeners"] == max(day["peak_listeners"] for day in days)
            for day in [*days, of_all]:
                assert sum(day["session_lengths"]) == day["total_sessions"]
                assert day["unique_listeners"] <= day["sessions_active"]
                assert stream == "*" or day["peak_listeners"] >= day["listening_seconds"] / 90_000
        peaks = [of_all["peak_listeners"] for stream, of_all in tenant["all"].items() if stream != "*"]
        assert max(peaks) <= whole["peak_listeners"] <= sum(peaks)
        assert set(whole["excluded"]) >= {"no_media", "bot", "monitor", "relay", "internal"}
    assert json.loads((made.folder / "truth.json").read_text()) == json.loads(json.dumps(made.truth.tenants))


def test_the_invented_listeners_have_the_habits_that_are_hard_to_count(made: Made) -> None:
    planned = planned_sessions.planned(SMALL)
    by_listener = planned.group_by("listener_no").agg(pl.col("address", "stream_no").n_unique(), pl.len())
    assert (by_listener["len"] > by_listener["stream_no"]).any(), "people come back"
    assert (by_listener["stream_no"] > 1).any(), "people use several streams"
    assert (planned.group_by("address").agg(pl.col("listener_no").n_unique())["listener_no"] > 1).any(), "shared homes"
    assert (by_listener["address"] > 1).any(), "people with two addresses"
    assert planned["address"].str.starts_with("::ffff:").any()
    assert set(planned.filter(exclusion="no_user_agent")["agent"]) == {"", "-"}
    assert any(s.ended_ms - s.started_ms > 4 * 3_600_000 for s in made.truth.sessions if not s.exclusion), (
        "long listens"
    )
    assert all(
        tenant["all"]["*"]["unique_listeners"]
        < sum(stream["unique_listeners"] for name, stream in tenant["all"].items() if name != "*")
        for tenant in made.truth.tenants.values()
    ), "a person on two streams is one listener"


MIDNIGHT = 979_516_800_000  # 2001-01-15T00:00:00Z
MINUTE = 60_000


def counted(*stays: tuple[str, int, int, int]) -> dict[str, Any]:
    """Figures of 2001-01-15 in UTC for (stream, listener, from, to), in minutes of that day."""
    found = [Session("t", stream, who, MIDNIGHT + a * MINUTE, MIDNIGHT + b * MINUTE) for stream, who, a, b in stays]
    days: dict[str, Any] = truth.tenants(found, {"t": "UTC"})["t"]["days"]["2001-01-15"]
    return days


def test_a_listener_who_leaves_as_another_arrives_is_not_counted_twice() -> None:
    assert counted(("a", 1, 0, 10), ("a", 2, 10, 20))["a"]["peak_listeners"] == 1


def test_a_person_on_two_streams_is_one_listener_at_the_peak_of_all() -> None:
    got = counted(("a", 1, 0, 10), ("b", 1, 5, 20), ("b", 2, 12, 30))
    assert {name: (s["peak_listeners"], s["peak_at"][11:16]) for name, s in got.items()} == {
        "*": (2, "00:12"), "a": (1, "00:00"), "b": (2, "00:12"),
    }  # fmt: skip


def test_those_carried_in_at_midnight_make_the_peak_of_the_first_minute() -> None:
    got = counted(("a", 1, -90, 1), ("a", 2, -30, 45), ("a", 3, 50, 1_500))["a"]
    assert (got["peak_listeners"], got["peak_at"]) == (2, "2001-01-15T00:00:00+00:00")
    assert (got["total_sessions"], got["sessions_active"], got["sessions_completed"]) == (1, 3, 2)
    assert got["listening_seconds"] == (1 + 45 + 1_390) * 60
    assert got["session_lengths"] == [0] * 22 + [1], "the full length, in the bucket of the start"


@pytest.mark.parametrize("wanted", [30_000, 150_000])
def test_a_plan_of_so_many_lines_has_about_as_many(wanted: int) -> None:
    planned = planned_sessions.planned(Plan.of_lines(wanted))
    of_hls = 2 * sum(planned.filter(pl.col("step_ms") > 0)["piece_count"])
    assert of_hls + 0.5 * len(planned) + 10_000 == pytest.approx(wanted, rel=0.2)
