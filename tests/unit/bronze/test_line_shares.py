"""What share of each frontend's lines lacks a request, an agent, a stream or media; and what is said of it."""

from __future__ import annotations

import pytest

from metrics_lake.bronze.line_shares import line_shares, share_warnings, streams_without_media
from tests.unit.sources.haproxy.logs import SECRET, line, parse, text


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def frontends(*lines: str):  # type: ignore[no-untyped-def]
    frame = parse(text(lines)).frame
    return frame.filter(frame["row_kind"] == "frontend")


def many(count: int, **properties: object) -> list[str]:
    return [line(number, **{"path": f"/acme/live/{number}.ts", **properties}) for number in range(count)]  # type: ignore[arg-type]


def test_shares_are_of_a_frontend_s_lines():
    lines = [
        *many(6), *many(2, captures="", address="192.0.2.8"), line(1, "/nobody/1.ts"),
        line(2, "<BADREQ>", method="", version="").replace('" <BADREQ>"', '"<BADREQ>"'), line(3, "/acme/live/x.opus"), line(4, frontend="fe_2"),
    ]  # fmt: skip
    [first, second] = line_shares(frontends(*lines)).to_dicts()
    assert (first["frontend"], first["line_count"], second["frontend"], second["line_count"]) == ("fe", 11, "fe_2", 1)
    shares = [round(first[name] * 11, 6) for name in ("without_request", "without_agent", "unclaimed")]
    assert shares == [1, 2, 1] and round(first["without_media"] * 9, 6) == 1
    assert [second[name] for name in ("without_request", "without_agent", "unclaimed", "without_media")] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (many(150), many(150), []),
        (many(150, captures=""), many(150, captures=""), ["100% of its lines have no user agent;"]),
        (many(150, captures=""), many(150), ["100% of its lines have no user agent, before it were 0%"]),
        (many(90, captures=""), [], []),  # too few to say
        (many(150, path="/x"), [], ["100% of its lines are claimed by no stream"]),
        ([*many(130), *many(20, captures="", address="192.0.2.9")], many(150), ["13% of its lines have no user agent, before it were 0%"]),
    ],
)  # fmt: skip
def test_a_share_that_is_high_or_has_changed_is_said(now, before, said):
    texts = share_warnings(line_shares(frontends(*now)), line_shares(frontends(*before)))
    assert len(texts) == len(said) and all(part in text for part, text in zip(said, texts, strict=True))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([line(1, "/acme/live/a1.opus"), line(2, "/acme/live/a.m3u8")],
         ["acme/live has 2 requests and none for media, such as /acme/…/a9.opus"]),
        ([line(1, "/acme/live/deep/er/user-17")], ["acme/live has 1 requests and none for media, such as /acme/…/aaaa-99"]),
        ([line(1, "/acme/live/198.51.100.7")], ["acme/live has 1 requests and none for media, such as /acme/…/999.99.999.9"]),
        ([line(1, "/acme/live/a.m3u8")], ["acme/live has 1 requests and none for media"]),
        ([line(1, "/acme/live/a1.opus"), line(2, "/acme/live/1.ts")], []),
        ([line(1, "/acme.mp3")], []),
        ([line(1, "/nobody/1.opus")], []),
    ],
)  # fmt: skip
def test_a_stream_of_which_nothing_is_media_is_named_with_a_harmless_path(lines, said):
    assert [stream.text for stream in streams_without_media(frontends(*lines))] == said
