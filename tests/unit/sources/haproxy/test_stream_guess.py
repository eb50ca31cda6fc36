"""Which streams a log seems to serve."""

import pytest

from metrics_lake.config.settings import Haproxy
from metrics_lake.config.tenants import Tenants
from metrics_lake.sources.haproxy import log_lines, stream_guess, streams
from metrics_lake.sources.haproxy.line_classes import read_lines
from tests.unit.sources.haproxy.logs import line

LONG = "0/0/1/5/60000"
SHORT = "0/0/1/5/40"


def requests_of(*lines):
    return read_lines(log_lines.number_lines({0: "\n".join(lines)}, {0: 1}), Haproxy()).requests


def proposed(*lines):
    requests = requests_of(*lines)
    guessed = stream_guess.propose_streams(stream_guess.summarise(requests))
    return {name: (stream.protocol, *(stream.match.path or stream.match.frontend)) for name, stream in guessed.items()}


def hls(folder, count=6, suffix=".ts"):
    return [line(n, f"{folder}/{n}{suffix}") for n in range(count)]


@pytest.mark.parametrize(("lines", "streams_"), [
    (hls("/acme/live"), {"acme-live": ("hls", "/acme/live/*")}),
    ([line(0, "/acme/live/index.m3u8?x=1")], {"acme-live": ("hls", "/acme/live/*")}),
    ([line(0, "/acme/live/INDEX.M3U8")], {"acme-live": ("hls", "/acme/live/*")}),
    ([*hls("/acme/live/64k"), *hls("/acme/live/128k")], {"acme-live": ("hls", "/acme/live/*")}),
    ([*hls("/acme/live/hi"), *hls("/acme/live/lo")], {"acme-live": ("hls", "/acme/live/*")}),
    ([*hls("/acme/rock"), *hls("/acme/pop", 8)], {"acme-pop": ("hls", "/acme/pop/*"), "acme-rock": ("hls", "/acme/rock/*")}),
    ([line(0, "/fm.mp3", timers=LONG)], {"fm": ("icecast", "/fm.mp3")}),
    ([line(0, "/fm.mp3?token=1", timers=LONG)], {"fm": ("icecast", "/fm.mp3")}),
    ([line(0, "/stream", timers=LONG)], {"stream": ("icecast", "/stream")}),
    ([line(0, "/;stream.mp3", timers=LONG)], {"stream": ("icecast", "/")}),
    ([*hls("/live"), line(9, "/live.mp3", timers=LONG)], {"live": ("hls", "/live/*"), "live-2": ("icecast", "/live.mp3")}),
    ([line(0, "/odd*name.mp3", timers=LONG)], {"odd-name": ("icecast", "/odd[*]name.mp3")}),
    ([line(0, "/favicon.ico"), line(1, "/logo.png")], {}),
    ([line(0, "/fm.mp3", timers=LONG, status=404)], {}),
    ([line(0, "/fm.mp3", timers=LONG, method="POST")], {}),
    ([line(0, "/a/one.mp3"), line(1, "/a/two.mp3")], {}),
], ids=[
    "segments beside one another", "a playlist is enough", "whatever its case", "renditions by bit rate", "by quality",
    "the busiest first", "a long connection is a mount", "without its query", "a mount without a suffix",
    "a parameter of SHOUTcast", "names stay apart", "what a glob takes for a pattern", "files of a page", "an error",
    "a source client", "a few files are no stream",
])  # fmt: skip
def test_streams_are_guessed_from_what_was_asked_for(lines, streams_):
    assert proposed(*lines) == streams_


def test_a_proposal_claims_the_requests_that_it_was_made_from():
    lines = [*hls("/a[1]/live"), line(9, "/odd*name.mp3", timers=LONG)]
    requests = requests_of(*lines)
    guessed = stream_guess.propose_streams(stream_guess.summarise(requests))
    tenants = Tenants.model_validate({"tenants": {"station": {"timezone": "UTC", "streams": guessed}}})
    assert streams.match_streams(requests, tenants)["stream_number"].null_count() == 0


def test_parts_of_a_log_give_the_same_streams_as_the_whole():
    lines = [*hls("/live"), line(9, "/fm.mp3", timers=LONG), line(10, "/fm.mp3")]
    parts = []
    for text in lines:
        parts.append(stream_guess.summarise(requests_of(text)))
    merged = stream_guess.merge_summaries(parts)
    whole = requests_of(*lines)
    assert stream_guess.propose_streams(merged) == stream_guess.propose_streams(stream_guess.summarise(whole))


def test_more_streams_than_a_page_holds_are_cut_to_the_busiest():
    lines = [line(n, f"/mount{n:03}.mp3", timers=LONG) for n in range(stream_guess.MOST_STREAMS + 5)]
    assert len(proposed(*lines, line(99, "/mount044.mp3", timers=LONG))) == stream_guess.MOST_STREAMS
    assert next(iter(proposed(*lines, line(99, "/mount044.mp3", timers=LONG)))) == "mount044"
