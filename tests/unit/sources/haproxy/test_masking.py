"""A reject keeps the shape of its line; a value that is shown keeps times and counts. Neither has an address."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import unicodedata

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metrics_lake.privacy.hashing import masked
from metrics_lake.privacy.line_shapes import LONGEST, WORDS, path_element, shape
from tests.unit.examples import examples

V4 = st.ip_addresses(v=4).filter(lambda address: int(address) >= 1 << 24)
V6 = st.one_of(
    st.ip_addresses(v=6, network="2000::/3"),
    st.integers(0, (1 << 16) - 1).map(lambda low: ipaddress.IPv6Address((0x20010DB8 << 96) + low)),
    V4.map(lambda address: ipaddress.IPv6Address((0xFFFF << 32) + int(address))),
)


def percent(text: str, letters: str) -> str:
    return "".join(f"%{ord(letter):02X}" if letter in letters else letter for letter in text)


FORMS_4 = {
    "dotted": str,
    "dashed": lambda a: str(a).replace(".", "-"),
    "underscored": lambda a: str(a).replace(".", "_"),
    "defanged": lambda a: str(a).replace(".", "[.]"),
    "hex": lambda a: a.packed.hex(),
    "hex in capitals": lambda a: a.packed.hex().upper(),
    "hex with 0x": lambda a: hex(int(a)),
    "hex with colons": lambda a: a.packed.hex(":"),
    "hex with dashes": lambda a: a.packed.hex("-").upper(),
    "decimal": lambda a: str(int(a)),
    "percent-encoded dots": lambda a: percent(str(a), "."),
    "percent-encoded whole": lambda a: percent(str(a), "0123456789."),
    "twice percent-encoded": lambda a: percent(percent(str(a), "."), "%"),
    "escaped by HAProxy": lambda a: percent(str(a), ".").replace("%", "#"),
    "escaped as in JSON": lambda a: str(a).replace(".", "\\u002e"),
    "reverse DNS": lambda a: a.reverse_pointer,
}
FORMS_6 = {
    "short": str,
    "in capitals": lambda a: str(a).upper(),
    "written out": lambda a: a.exploded,
    "in brackets": lambda a: f"[{a}]",
    "hex": lambda a: a.packed.hex(),
    "decimal": lambda a: str(int(a)),
    "percent-encoded": lambda a: percent(str(a), ":"),
    "its /64": lambda a: str(ipaddress.IPv6Address(int(a) >> 64 << 64)),
}
PLACES = (
    "{x}", "{x}:4711 [15/Jan/2001:19:00:01.123] fe be/s1 -1/-1/5 garbage", "from {x}, said so", "({x})", "<{x}>", "'{x}'",
    '"GET /a/{x}/b.ts HTTP/1.1"', '"GET /a.ts?ip={x}&b=1 HTTP/1.1"', '"GET /a.ts?{x}', "Cookie: sid={x}; other={x}",
    "{{host|{x}|agent {x}/1.0}}", "x_{x}_y", "x={x}", 'x="{x} z"', "a,{x},{x}", "http://{x}:8000/a", "user@{x}",
    "\x1b[31m{x}\x1b[0m", "for={x};proto=http", "{x}\t{x}", "id {x}_1F90_5A7B",
)  # fmt: skip


def mask(line: str) -> str:
    return pl.select(masked(pl.lit(line))).item()


def spellings(address) -> set[str]:
    """Every way in which the address must not be found again."""
    forms = FORMS_4 if address.version == 4 else FORMS_6
    return {form(address).lower() for name, form in forms.items() if name != "its /64" or int(address) >> 96}


@settings(max_examples=examples(120))
@given(V4, st.sampled_from(sorted(FORMS_4)), st.sampled_from(PLACES))
def test_no_ipv4_address_that_was_put_in_comes_out(address, form, template):
    output = mask(template.format(x=FORMS_4[form](address))).lower()
    assert not [spelling for spelling in spellings(address) if spelling in output]


@settings(max_examples=examples(100))
@given(V6, st.sampled_from(sorted(FORMS_6)), st.sampled_from(PLACES))
def test_no_ipv6_address_that_was_put_in_comes_out(address, form, template):
    output = mask(template.format(x=FORMS_6[form](address))).lower()
    assert not [spelling for spelling in spellings(address) if spelling in output]


@given(st.lists(st.one_of(V4.map(str), V6.map(str), st.text(max_size=12)), max_size=5), st.sampled_from(" ,;|&=\t/"))
def test_no_address_among_anything_else_comes_out(parts, between):
    output = mask(between.join(parts)).lower()
    for part in parts:
        try:
            address = ipaddress.ip_address(part)
        except ValueError:
            continue
        assume(int(address) > 255)
        assert str(address) not in output and address.exploded not in output


@given(V4, st.integers(0, 40))
def test_no_address_comes_out_in_part_where_a_long_line_is_cut(address, before):
    line = "/a?" + "q" * (2048 - 3 - before - 1) + f" {address} and more"
    output = mask(line)
    assert (
        str(address).rpartition(".")[0] not in output
        and str(address).rpartition(".")[0].rpartition(".")[0] + "." not in output
    )


TIMES = st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))


@given(TIMES, st.lists(st.integers(-1, 9_999_999), min_size=5, max_size=5), st.integers(0, 9_999_999), V4)
def test_times_timers_and_counts_stay_readable(time, timers, size, address):
    hour, minute, second, milli = time
    rest = (
        f"[15/Jan/2001:{hour:02}:{minute:02}:{second:02}.{milli:03}] fe~ be/s1 {'/'.join(map(str, timers))} "
        f"200 {size} - - ---- 12/3/4/5/0 0/0"
    )
    prefix = f"Jan 15 {hour:02}:{minute:02}:{second:02} edge-01 haproxy[123]: "
    assert mask(f"{prefix}{address}:4711 {rest}") == f"{prefix}<address>:4711 {rest}"


@given(TIMES)
def test_stamps_of_syslog_stay_readable(time):
    hour, minute, second, milli = time
    stamp = f"<134>1 2001-01-15T{hour:02}:{minute:02}:{second:02}.{milli:03}+02:00 edge haproxy 7 - - Proxy fe stopped"
    assert mask(stamp) == stamp


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ('"GET /live/a.ts?token=abc&x=1 HTTP/1.1"', '"GET /live/a.ts?<query> HTTP/1.1"'),
        ("sid=abc123; theme=dark", "sid=<masked>; theme=<masked>"),
        ("{sid=abc|other}", "{sid=<masked>|other}"),
        ('sid="a secret of three words" x', "sid=<masked> x"),
        ("tab\tkept, bell\x07 shown", "tab\tkept, bell� shown"),
        ("\x1b[31mred\x1b[0m", "�red�"),
        ("-1/-1/-1/-1/5003 408 212", "-1/-1/-1/-1/5003 408 212"),
    ],
)
def test_queries_and_cookies_become_marks_and_the_rest_stays(line, output):
    assert mask(line) == output


def test_a_very_long_line_is_kept_in_part():
    assert mask("word " * 1_000_000) == ("word " * 1000)[:512]


def test_a_line_without_a_blank_is_kept_in_part_too():
    assert len(mask("w" * 100_000)) == 512


# --- the shape of a line that could not be read ----------------------------------------------------------------------


def shape_of(line: str) -> str:
    return pl.DataFrame({"line": [line]}).select(shape(pl.col("line"))).item()


def octets(address, between: str) -> str:
    return between.join(map(str, address.packed))


WRAPPED = {
    **FORMS_4,
    "bytes of its text with blanks": lambda a: json.dumps({"MESSAGE": list(str(a).encode())}),
    "bytes of its text without blanks": lambda a: json.dumps(list(str(a).encode()), separators=(",", ":")),
    "four numbers in an array": lambda a: f"[{octets(a, ', ')}]",
    "four numbers in brackets": lambda a: f"({octets(a, ', ')})",
    "base64": lambda a: base64.b64encode(f"{a}:4711 [".encode()).decode(),
    "base64 without its end": lambda a: base64.urlsafe_b64encode(str(a).encode()).decode().rstrip("="),
    "hex of its text with blanks": lambda a: str(a).encode().hex(" "),
    "hex of its bytes with blanks": lambda a: a.packed.hex(" ").upper(),
    "octal escapes": lambda a: "".join(f"\\{ord(letter):03o}" for letter in str(a)),
    "quoted-printable": lambda a: "".join(f"={ord(letter):02X}" for letter in str(a)),
    "Arabic digits": lambda a: "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in str(a)),
    "full width": lambda a: "".join(chr(0xFEE0 + ord(c)) for c in str(a)),
    "circled": lambda a: "".join("⓪①②③④⑤⑥⑦⑧⑨"[int(c)] if c.isdigit() else c for c in str(a)),
    "UTF-16 read as bytes": lambda a: str(a).encode("utf-16-le").decode("latin-1"),
    "words": lambda a: " ".join(unicodedata.name(c) for c in str(a)),
}


@settings(max_examples=150)
@given(V4, st.sampled_from(sorted(WRAPPED)), st.sampled_from(PLACES))
def test_a_shape_holds_nothing_of_an_address_in_whatever_spelling(address, form, template):
    line = template.format(x=WRAPPED[form](address))
    output = shape_of(line)
    assert output == shape_of(template.format(x=re.sub(r"\d", "9", WRAPPED[form](address)))) or form in (
        "hex",
        "base64",
    )
    assert_shape(output)


@settings(max_examples=100)
@given(V6, st.sampled_from(sorted(FORMS_6)), st.sampled_from(PLACES))
def test_a_shape_holds_nothing_of_an_ipv6_address(address, form, template):
    assert_shape(shape_of(template.format(x=FORMS_6[form](address))))


@settings(max_examples=150)
@given(st.text(max_size=80))
def test_a_shape_is_made_of_listed_words_signs_a_and_9_alone(line):
    output = shape_of(line)
    assert len(output) == len(line)
    assert_shape(output)


def assert_shape(output: str) -> None:
    rest = re.sub(r"\w+", lambda word: "" if word[0] in WORDS else word[0], output)
    assert set(rest) <= set("a9�\t") | {chr(code) for code in range(32, 127) if not chr(code).isalnum()}, output


def test_no_listed_word_could_be_a_number_a_byte_or_a_part_of_an_address():
    assert [word for word in WORDS if re.search(r"\d", word) or re.fullmatch(r"[0-9A-Fa-f_]+", word)] == []


@pytest.mark.parametrize(
    ("line", "output"),
    [
        (
            'Feb 22 16:10:10 edge-01 haproxy[31]: 203.0.113.7:4711 [22/Dec/2026:16:10:10.100] fe be/<NOSRV> "GET /a.ts HTTP/1.1"',
            'aaa 99 99:99:99 aaaa-99 haproxy[99]: 999.9.999.9:9999 [99/aaa/9999:99:99:99.999] aa aa/<NOSRV> "GET /a.aa HTTP/9.9"',
        ),
        ('{"MESSAGE": [50, 48], "_PID": "31"}', '{"MESSAGE": [99, 99], "_PID": "99"}'),
        ("MESSAGES GETS aGET GET1 GET", "aaaaaaaa aaaa aaaa aaa9 GET"),
        ("\x1b[31mré Ⅷ\t٣🇦", "�[99aaa 9\t9�"),
    ],
)  # fmt: skip
def test_a_shape_shows_which_format_a_line_had(line, output):
    assert shape_of(line) == output


def test_a_shape_is_bounded_and_takes_nothing_for_a_line():
    assert len(shape_of("word " * 1_000_000)) == LONGEST
    assert pl.DataFrame({"line": [None]}, schema={"line": pl.String}).select(shape(pl.col("line"))).item() is None


@pytest.mark.parametrize(
    ("element", "shown"),
    [
        ("/live", "/live"),
        ("/favicon.ico", "/favicon.ico"),
        ("/LiveRadio-HQ_128", "/LiveRadio-HQ_128"),
        ("", ""),
        ("/203.0.113.7", "/<address>"),
        ("/MjAzLjAuMTEzLjc3", "/aaaaaaaaaaaaaaa9"),
        ("/MTEuMTEuMTEuMTE", "/aaaaaaaaaaaaaaa"),
        ("/203_-_-_0_-_-_113____77", "/999_-_-_9_-_-_999____99"),
        ("/x203y0z113q77", "/a999a9a999a99"),
    ],
)
def test_of_a_path_only_what_people_name_so_is_shown(element, shown):
    assert pl.select(path_element(pl.lit(element))).item() == shown
