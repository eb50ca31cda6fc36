"""Which captured header is which: by the settings, else by what a file's values are; an agent is never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from metrics_lake.sources.haproxy import formats
from metrics_lake.sources.haproxy.captures import layouts_of
from tests.unit.sources.haproxy.logs import SECRET, InMemoryFile, Read, line, parse, rules_of, text

GUID = "7b6f0c1e-1a2b-4c3d-9e8f-0123456789ab"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)


def read(*captures: str, **haproxy: Any) -> Read:
    lines = [line(number, captures=captured) for number, captured in enumerate(captures)]
    return parse(text(lines), rules=rules_of(haproxy=haproxy))


def agents(got: Read) -> set[bool | None]:
    return {visit["has_agent"] for visit in got.visits}


@pytest.mark.parametrize(
    ("captures", "layout", "has_agent"),
    [
        (["{h.example.org|VLC/3.0.20}"], "{host|user_agent} by their values", True),
        (["{Mozilla/5.0 (X11)|h.example:8443}"], "{user_agent|host} by their values", True),
        (["{curl/7.88.1|https://r.example/}"], "{user_agent|referer} by their values", True),
        (["{VLC/3|198.51.100.7, 10.0.0.1}"], "{user_agent|x_forwarded_for} by their values", True),
        (["{h.example|198.51.100.7, 10.0.0.1|https://r.example/a}"], "{host|x_forwarded_for|referer} by their values", None),
        (["{h.example|Lavf/58.2|https://r.example/}"], "{host|user_agent|referer} by their values", True),
        (["{h.example|https://r.example/|VLC/3}"], "{host|referer|user_agent} by their values", True),
        (["{h.example|https://r.example/|}"], "{host|referer|user_agent} by their number", False),
        (["{h.example||Sonos}"], "{host|referer|user_agent} by their number", True),
        (["{h.example||}"], "{host|referer|other} by their number", None),  # it could as well be X-Forwarded-For and Referer
        (["{iTunes}"], "{user_agent} by their number", True),
        (["{-}"], "{user_agent} by their number", False),
        (["{https://r.example/}"], "{referer} by their values", None),
        (["{198.51.100.7}"], "{other} unknown", None),
        (["{h.example}"], "{host} by their values", None),
        (["{audio/mpeg}"], "{other} by their values", None),
        ([f"{{{GUID}}}"], "{other} by their values", None),
        (["{en-GB,en;q=0.9|okhttp/4.9.3}", "{de|}"], "{other|user_agent} by their values", True),
        (["{127.0.0.1:8000|VLC/3|}", "{h.example|VLC/4|}"], "{host|user_agent|other} by their values", True),
        (["{|}"], "{other|other} unknown", None),
        (["{a|b|c|d|VLC/3.0}"], "{other|other|other|other|user_agent} by their values", True),
    ],
)  # fmt: skip
def test_captures_are_told_by_what_they_hold(captures: list[str], layout: str, has_agent: bool | None) -> None:
    got = read(*captures)
    assert got.files[0]["captures"] == [f"fe: {layout}"] and got.files[0]["capture_conflicts"] == []
    assert has_agent in agents(got)


def test_a_setting_wins_and_what_contradicts_it_is_said() -> None:
    got = read("{h.example|VLC/3}", captures={"fe": ["user_agent", "host"]})
    assert got.files[0]["captures"] == ["fe: {user_agent|host} by the settings"]
    assert got.files[0]["capture_conflicts"] == [
        "fe: capture 1 is user_agent by the settings, and holds hosts",
        "fe: capture 2 is host by the settings, and holds user agents",
    ]
    [conflict] = read("{VLC/3|x}", captures={"fe": ["user_agent"]}).files[0]["capture_conflicts"]
    assert conflict == "fe: the settings name 1 captures, and lines have 2"


def test_values_of_several_kinds_in_one_capture_tell_nothing_and_it_is_said() -> None:
    got = read("{a.example|Mozilla/5.0}", "{Mozilla/5.0|a.example}")
    assert agents(got) == {None}
    assert got.files[0]["capture_conflicts"][0] == "fe: capture 1 holds hosts and user agents"


def test_a_few_false_agents_change_no_layout() -> None:
    got = read(*(f"{{VLC/3.0.{number}}}" for number in range(9)), "{https://spoof.example/}")
    assert got.files[0]["captures"] == ["fe: {user_agent} by their values"] and agents(got) == {True}


def test_a_list_of_addresses_is_told_from_hosts_where_a_proxy_is_trusted() -> None:
    got = read("{198.51.100.7|VLC/3}", trusted_proxies=["192.0.2.0/24"])
    assert got.files[0]["captures"] == ["fe: {x_forwarded_for|user_agent} by their values"]


def test_each_frontend_and_number_of_captures_has_a_layout_of_its_own() -> None:
    lines = [
        line(1, captures="{h.example|VLC/3}", frontend="fe_a"),
        line(2, captures="{VLC/3|h.example}", frontend="fe_b"),
        line(3, captures="{VLC/3}", frontend="fe_b"),
        line(4, captures="", frontend="fe_c"),
    ]
    assert parse(text(lines)).files[0]["captures"] == [
        "fe_a: {host|user_agent} by their values",
        "fe_b: {user_agent} by their values",
        "fe_b: {user_agent|host} by their values",
    ]


def test_neither_other_files_nor_their_order_matter() -> None:
    contents = [
        text([line(number, captures=captures)])
        for number, captures in enumerate(["{h.example|VLC/3}", "{VLC/3|}", "{|}"])
    ]
    files = [InMemoryFile(content, f"haproxy/{number}.log") for number, content in enumerate(contents)]
    alone = [parse(file).files[0]["captures"] for file in files]
    assert [row["captures"] for row in parse(*files).files] == alone
    assert [row["captures"] for row in parse(*reversed(files)).files] == alone[::-1]


def test_the_first_piece_that_tells_decides_for_the_rest_of_a_file() -> None:
    pieces = [
        text([line(n, captures=captured)]) for n, captured in enumerate(["{|}", "{h.example|VLC/3}", "{|}", "{VLC/4|}"])
    ]

    class InPieces(InMemoryFile):
        def pieces(self):  # type: ignore[no-untyped-def]
            yield from pieces

    got = parse(InPieces(b"".join(pieces)))
    assert got.files[0]["captures"] == ["fe: {host|user_agent} by their values"]
    assert got.files[0]["capture_conflicts"] == ["fe: capture 1 is host by their values, and holds user agents"]
    assert [visit["has_agent"] for visit in got.visits] == [None, True, False, False]


def test_the_tools_for_people_say_the_same() -> None:
    lines = [line(1, captures="{h.example|VLC/3}")]
    shown = ("fe: {host|user_agent} by their values",)
    assert formats.captures(lines) == shown == formats.check("httplog", lines).captures


def test_no_layout_shows_an_address() -> None:
    lines = [line(1, captures="{198.51.100.7|VLC/3}", frontend="fe-198.51.100.9")]
    assert "198.51" not in str(formats.captures(lines)) and "198.51" not in str(parse(text(lines)).files[0]["captures"])


def test_layouts_of_no_lines_are_none() -> None:
    assert layouts_of(rules_of().haproxy).decided == {}
