"""Lines of log-formats of all kinds, parsed into the same columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.config.settings import Haproxy
from metrics_lake.sources.haproxy.captures import Layouts

Read = Callable[..., list[dict[str, Any]]]
WHEN = "15/Jan/2001:16:10:25.353"
AT = "2001-01-15T16:10:25.353Z"


@pytest.mark.parametrize(
    ("string", "line"),
    [
        ("%ci:%cp [%tr] %ft %ST", f"2001:db8::7:1024 [{WHEN}] fe 200"),
        ("[%tr] %ci %ft %ST", f"[{WHEN}] 2001:db8::7 fe 200"),
        ("%tr %ci %ft %ST", f"{WHEN} 2001:db8::7 fe 200"),
        ("%trl %ci %ft~%ST", "15/Jan/2001:18:10:25 +0200 2001:db8::7 fe~200"),
        ("%ft,%ci,%ST,%tr", f"fe,2001:db8::7,200,{WHEN}"),
        ("%{+Q}o %ft;%ci;%ST;%tr", f'"fe";"2001:db8::7";200;{WHEN}'),
        ("%{+X}o %{-X}ft %ci %{-X}ST %tr %cp", f"fe 20010DB8000000000000000000000007 200 {WHEN} 0400"),
        ('{"a":"%ci","t":"%tr","f":"%ft","s":%ST}', f'{{"a":"2001:db8::7","t":"{WHEN}","f":"fe","s":200}}'),
        ("%{+json}o %(a)ci %(t)tr %(f)ft %(s)ST", f'{{"a": "2001:db8::7", "t": "{WHEN}", "f": "fe", "s": 200}}'),
        ("a=%ci|t=%tr|f=%ft|s=%ST", f"a=2001:db8::7|t={WHEN}|f=fe|s=200"),
        ("%%%ci%% (%tr) <%ft> %ST", f"%2001:db8::7% ({WHEN}) <fe> 200"),
        ("%Ts%ms %ci %ft %ST", "979575025353 2001:db8::7 fe 200"),
        ("%[request_date(us)] %ci %ft %ST", "979575025353123 2001:db8::7 fe 200"),
        ("%hr %ci %hs %tr %ft %ST", f"{{a b|c d}} 2001:db8::7 {WHEN} fe 200"),
        ("%hr %ci %hs %tr %ft %ST", f"2001:db8::7 {WHEN} fe 200"),
        ("%ci %tr %ft %hr %hs %ST", f"2001:db8::7 {WHEN} fe {{a b}} {{c}} 200"),
        ("%ci %tr %ft %hr %hs %ST", f"2001:db8::7 {WHEN} fe 200"),
        ("%{+Q}o %{-Q}ci %tr %{-Q}ft %hr %ST", f'2001:db8::7 {WHEN} fe "{{a b}}" 200'),
        ("%ci %tr %ft %[capture.req.hdr(0)] %ST", f"2001:db8::7 {WHEN} fe a b c 200"),
        ("  %ci   %tr  %ft %ST ", f"2001:db8::7 {WHEN} fe 200 "),
    ],
)  # fmt: skip
def test_a_line_is_read_whatever_the_format_and_the_syslog_header(read: Read, string: str, line: str) -> None:
    headers = ("Jan 15 16:10:25 edge-01 haproxy[1]: ", "", "<134>1 2001-01-15T16:10:25Z - h 1 - - ")
    parsed = read(*(header + line for header in headers), formats={"*": string})
    assert [(row["address"], row["frontend"], row["status"]) for row in parsed] == [("2001:db8::7", "fe", 200)] * 3
    assert {row["at"][:19] for row in parsed} == {AT[:19]}


KEY_VALUE = "ci=%ci tr=%tr st=%ST Ta=%Ta ua=%{+Q}[var(txn.ua)] ref=%{+Q}[var(txn.ref)] r=%{+Q}r"


@pytest.mark.parametrize(
    ("agent", "referer"),
    [
        ("", ""),
        ('a "b" c', "https://r.example/"),
        ("x ref=y", "-"),
        ("a  b", "c  d"),
        ("é ü", "#23"),
        ("\\", "\\\\"),
        ('"', '"'),
    ],
)
def test_texts_in_quotes_may_hold_anything_but_what_follows_them(read: Read, agent: str, referer: str) -> None:
    line = f'ci=192.0.2.7 tr={WHEN} st=200 Ta=5 ua="{agent}" ref="{referer}" r="GET /a HTTP/1.1"'
    (parsed,) = read(line, formats={"*": KEY_VALUE})
    assert parsed["user_agent"] == agent.replace("#", "#23")
    assert parsed["path"] == "/a"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0", exclude_categories=("Cs",)), max_size=40))
def test_a_json_converters_text_comes_back_as_it_was(text: str) -> None:
    import json

    import polars as pl

    from metrics_lake.sources.haproxy.formats.compiler import compiled
    from metrics_lake.sources.haproxy.formats.field_values import read as values_of

    form = compiled('{"ci":"%ci","tr":"%tr","ua":"%[var(txn.ua),json(utf8s)]","st":%ST}')
    line = f'{{"ci":"192.0.2.7","tr":"{WHEN}","ua":{json.dumps(text)},"st":200}}'
    frame = pl.DataFrame({"file_number": [0], "line_number": [1], "text": [line]})
    (row,) = values_of(frame, form, Layouts()).rows(named=True)
    assert row["is_read"]
    assert row["user_agent"].replace("#23", "#") == text


@pytest.mark.parametrize(("total", "size", "is_early"), [("5", "10", False), ("+5", "+10", True), ("-1", "0", False)])
def test_a_plus_says_that_the_line_was_written_before_the_end(
    read: Read, total: str, size: str, is_early: bool
) -> None:
    (parsed,) = read(f"192.0.2.7 {WHEN} {total} {size} 200", formats={"*": "%ci %tr %Ta %B %ST"})
    assert parsed["is_early"] is is_early
    assert parsed["duration_ms"] == (None if total == "-1" else 5)


def test_the_origin_says_so_where_json_drops_the_plus(read: Read) -> None:
    string = "%{+json}o %(a)ci %(t)tr %(ta)Ta %(og)OG"
    early, done = (f'{{"a": "192.0.2.7", "t": "{WHEN}", "ta": 5, "og": "{og}"}}' for og in ("txn_request", "txn_close"))
    assert [parsed["is_early"] for parsed in read(early, done, formats={"*": string})] == [True, False]


def test_captures_without_names_go_by_the_layout_of_their_frontend(read: Read) -> None:
    line = f'192.0.2.7 {WHEN} fe "VLC" "radio"'
    string = '%ci %tr %ft "%[capture.req.hdr(0)]" "%[capture.req.hdr(1)]"'
    (parsed,) = read(line, formats={"*": string}, captures={"fe": ("user_agent", "host")})
    assert (parsed["user_agent"], parsed["host"]) == ("VLC", "radio")
    (parsed,) = read(line, formats={"*": string})
    assert (parsed["user_agent"], parsed["host"]) == (None, None)
    (parsed,) = read(line.replace("VLC", "VLC/3").replace("radio", "h.example"), formats={"*": string})
    assert (parsed["user_agent"], parsed["host"]) == ("VLC/3", "h.example")


def test_a_cut_line_is_refused_unless_only_its_request_is_cut(sort_out: Callable[..., list[str]]) -> None:
    string = "a=%ci t=%tr ta=%Ta st=%ST b=%B ua=%{+Q}[var(txn.ua)] r=%{+Q}r"
    whole = f'a=192.0.2.7 t={WHEN} ta=5 st=200 b=10 ua="VLC/3.0.20 (x; y)" r="GET /t1/live/a.ts HTTP/1.1"'
    accounts = sort_out(whole, *(whole[:cut] for cut in range(len(whole))), formats={"*": string})[1:]
    readable = whole.index(' r="') + 4
    assert set(accounts[2:readable]) == {"cut_line"}
    assert set(accounts[readable:]) == {"request"}


def test_formats_are_bound_to_files_by_glob_and_the_rest_is_auto(file_accounts: Callable[..., dict[int, str]]) -> None:
    haproxy = Haproxy.model_validate(
        {"formats": {"custom": "a=%ci t=%tr", "*-json-*": ['{"a":"%ci","t":"%tr"}', "tcplog"]}}
    )
    pair, json = f"a=192.0.2.7 t={WHEN}\n".encode(), f'{{"a":"192.0.2.7","t":"{WHEN}"}}\n'.encode()
    tcp = f"192.0.2.7:1 [{WHEN}] fe be/s 0/0/1 2 -- 1/1/0/0/0 0/0\n".encode()
    flags = {
        path: [account == "request" for account in file_accounts(pair + json + tcp, haproxy, path).values()]
        for path in ("haproxy/custom/a/x.log", "haproxy/b/haproxy-json-1.log", "haproxy/customs/x.log")
    }
    assert list(flags.values()) == [[True, False, True], [False, True, True], [False, False, True]]


def test_unix_sockets_have_no_address_and_hashes_are_no_addresses(sort_out: Callable[..., list[str]]) -> None:
    tail = f' [{WHEN}] fe be/s 0/0/0/0/1 200 2 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1"'
    token = "a1" * 16
    plain = sort_out(*(f"x {who}:1{tail}" for who in ("unix", "-", token, "::1", "fe80::1%eth0", "x.y")))
    assert plain == ["request", "request", "no_address", "request", "request", "no_address"]
    hashed = sort_out(*(f"x {who}:1{tail}" for who in (token, "192.0.2.7", "::1")), address_mode="hashed")
    assert hashed == ["request", "address_not_hashed", "address_not_hashed"]


def test_lines_of_one_format_among_another_are_recognised(read: Read) -> None:
    tcp = f"192.0.2.7:1 [{WHEN}] fe_tcp be/s 0/0/1 2 -- 1/1/0/0/0 0/0"
    http = f'192.0.2.7:1 [{WHEN}] fe_http be/s 0/0/0/0/1 200 2 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1"'
    head, tail = "192.0.2.7 - - [15/Jan/2001:16:10:25 +0000]", '---- 1 1 0 0 0 0 0 "" ""'
    clf = f'{head} "GET / HTTP/1.1" 200 2 "" "" 1 353 "fe_clf" "be" "s" 0 0 0 0 1 {tail}'
    tcp_clf = f'{head} "TCP " 000 2 "" "" 1 353 "fe_tclf" "be" "s" 0 0 0 1 9 {tail} '
    parsed = read(tcp, http, clf, tcp_clf)
    assert [(row["frontend"], row["is_tcp"], row["method"]) for row in parsed] == [
        ("fe_tcp", True, None), ("fe_http", False, "GET"), ("fe_clf", False, "GET"), ("fe_tclf", True, None),
    ]  # fmt: skip
    assert [row["duration_ms"] for row in parsed] == [1, 1, 1, 1]
