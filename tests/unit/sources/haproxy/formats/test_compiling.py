"""From a log-format string to the steps that split its lines, or to an error with the position."""

from __future__ import annotations

import pytest

from metrics_lake.config.settings import SettingsError
from metrics_lake.sources.haproxy.formats.builtin import BUILT_IN, RECOMMENDED, known_name
from metrics_lake.sources.haproxy.formats.compiler import compiled
from metrics_lake.sources.haproxy.formats.errors import FormatError


@pytest.mark.parametrize("name", [*BUILT_IN])
def test_every_built_in_format_lacks_nothing_that_its_mode_can_log(name: str) -> None:
    form = compiled(BUILT_IN[name])
    assert form.lacks == ()
    assert form.is_tcp == name.startswith("tcp")


def test_the_line_that_we_advise_can_be_compiled() -> None:
    assert {"sni", "accept_epoch", "request_local"} <= compiled(RECOMMENDED).columns


@pytest.mark.parametrize(
    ("string", "problem", "at"),
    [
        ("%ci %tr %foo", "unknown alias %foo", 8),
        ("%ci %tr %Tams", "unknown alias %Tams", 8),
        ("%ci%cp %tr", "can't be told apart: nothing stands between", 3),
        ("%ci %tr %[req.hdr(user-agent)] %[req.hdr(referer)]", "can't be told apart: only ' '", 31),
        ("%tr %ft", "no address", 7),
        ("%ci %ft", "no instant", 7),
        ("%ci %tr %hrl", "without quotes has no ends", 8),
        ("%{+cbor}o %(a)ci %(b)tr", "CBOR", 10),
        ("%ci %tr %hr %{+Q}hrl %ST", "can't stand together", 12),
        ("%ci %tr %{+Q}hrl %{+Q}r %{+Q}ID", "how many %hrl writes varies", 8),
        ("", "no address", 0),
        ("nothing of HAProxy's", "no address", 20),
    ],
)
def test_a_string_that_can_not_be_read_is_refused_at_its_place(string: str, problem: str, at: int) -> None:
    with pytest.raises(FormatError, match=problem) as caught:
        compiled(string)
    assert caught.value.at == at
    assert isinstance(caught.value, SettingsError)
    message, excerpt, caret = str(caught.value).splitlines()
    assert f"character {at + 1} of the log-format" in message
    assert excerpt.strip() == string
    assert caret.index("^") == at + 2


@pytest.mark.parametrize(
    ("item", "role"),
    [
        ("%[src]", "address"),
        ("%[src,ipmask(32,64),hmac(sha256,a2V5),hex]", "address"),
        ("%[src,map(/etc/names)]", ""),
        ("%[dst]", ""),
        ("ua=%[req.hdr(x-own)]", "user_agent"),
        ('"ua":"%[var(txn.a),json(utf8s)]"', "user_agent"),
        ("%(user_agent)[var(txn.a)]", "user_agent"),
        ("%[req.hdr(User-Agent)]", "user_agent"),
        ("%[var(txn.referer)]", "referer"),
        ("xff=%{+Q}[capture.req.hdr(3)]", "x_forwarded_for"),
        ("%[capture.req.hdr(2)]", "capture_2"),
        ("listenerId=%[var(txn.l)]", ""),
        ("sid=%[var(txn.cmcd_sid)]", ""),
        ("host=%[hostname]", ""),
        ("%[capture.req.uri]", "uri"),
        ("%[ssl_fc_sni]", "sni"),
        ("%[var(txn.anything)]", ""),
        ("%[rand(100)]", ""),
    ],
)
def test_a_sample_is_known_by_its_own_words_or_by_the_name_beside_it(item: str, role: str) -> None:
    form = compiled(f"%ci [%tr] {item} |end")
    address = {"address"} if role != "address" else set()
    assert form.columns - {"request_local"} - address == ({role} if role else set())


def test_the_settings_can_say_what_a_sample_is() -> None:
    assert "user_agent" in compiled("%ci %tr %[var(txn.p)]", mapped={"var(txn.p)": "user_agent"}).columns
    assert "host" not in compiled("%ci %tr host=%[var(txn.p)]", mapped={"var(txn.p)": "other"}).columns
    assert "address" in compiled("%[var(txn.who),lower] %tr", mapped={"var(txn.who),lower": "address"}).columns


def test_what_a_format_lacks_is_said_with_a_remedy() -> None:
    lacks = compiled("%ci %tr").lacks
    assert [text.partition(":")[0] for text in lacks] == [
        "no duration", "no status", "no method", "no path", "no frontend", "no user agent",
    ]  # fmt: skip
    assert all("log " in text for text in lacks)
    assert compiled("%ci %t").lacks == ("no duration: sessions have no length; log %Ta",)


def test_a_format_is_of_connections_only_if_nothing_in_it_is_of_http() -> None:
    assert compiled("%ci %t %Tt %B").is_tcp
    assert not compiled("%ci %tr %Tt %B").is_tcp
    assert not compiled("%ci %t %Tt %B %ST").is_tcp


@pytest.mark.parametrize(
    ("setting", "name"),
    [("option httplog", "httplog"), ("tcplog", "tcplog"), ("option  httplog  clf", "httplog clf"), ("auto", "auto"),
     ("%ci %tr", None)],
)  # fmt: skip
def test_built_in_formats_go_by_the_names_that_haproxy_has_for_them(setting: str, name: str | None) -> None:
    assert known_name(setting) == name
