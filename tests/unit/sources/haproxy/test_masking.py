"""The masked text of a reject keeps times and counts, and has no address, cookie or query."""

from __future__ import annotations

import ipaddress

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metrics_lake.privacy.hashing import masked
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
