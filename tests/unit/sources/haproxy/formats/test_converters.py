"""What HAProxy's converters did to a value is undone, or the log-format is refused at the converter's place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metrics_lake.config.settings import Haproxy
from metrics_lake.sources.haproxy import formats
from metrics_lake.sources.haproxy.formats.compiler import compiled
from metrics_lake.sources.haproxy.formats.converters import CONVERTERS
from metrics_lake.sources.haproxy.formats.errors import FormatError

Read = Callable[..., list[dict[str, Any]]]
CASES = json.loads((Path(__file__).parents[4] / "golden" / "formats" / "converters.json").read_text())
WHEN = "22/Nov/2026:16:10:25.353"
AT = "2026-11-22T16:10:25.353Z"

# What each case must give; a text is the word that its error names.
RIGHT: dict[str, dict[str, object] | str] = {
    "method-lower": {"method": "GET"},
    "timer-div1000": {"duration_ms": 3_600_000},
    "bytes-div1024": {"size": 97 * 1024},
    "status-div100": "div",
    "path-base64": {"path": "/acme/live/1.ts"},
    "path-url_dec": {"path": "/acme/live/1.ts"},
    "path-sub-upper": "field",
    "ua-base64": {"user_agent": "VLC/3.0.20"},
    "ua-word1": "word",
    "xff-hdr_ip": "no address",
    "src-map": "map_ip",
    "accept_date-seconds": {"at": "2026-11-22T16:10:25.000+00:00"},
    "request_date-div": {"at": "2026-11-22T16:10:25.100+00:00"},
    "ltime-commaarg": {"at": "2026-11-22T16:10:25.000+00:00"},
    "Ta-in-seconds-alias": {"duration_ms": 40},
    "quotes-bare-escaped": {"duration_ms": 40},
    "quotes-logformat-escaped": {"user_agent": "VLC/3.0.20 LibVLC/3.0.20"},
    "quotes-bare-escapedb": {"user_agent": "VLC/3.0.20 LibVLC/3.0.20"},
    "multi-line-continued": {"user_agent": "VLC/3.0.20 LibVLC/3.0.20"},
    "env-var": "${LOGFMT_PREFIX}",
}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_value_is_read_right_or_the_format_is_refused(case: dict[str, Any]) -> None:
    right = RIGHT[case["name"]]
    if isinstance(right, str):
        with pytest.raises(FormatError) as caught:
            formats.check(case["format"], case["lines"], Haproxy(**case["settings"]))
        assert right in str(caught.value)
        return
    result = formats.check(case["format"], case["lines"], Haproxy(**case["settings"]))
    assert (result.read_count, result.unread_count) == (1, 0)
    assert {name: result.records[0][name] for name in right} == right


@pytest.mark.parametrize(
    ("item", "written", "column", "value"),
    [
        ("%[method,lower,upper]", "GET", "method", "GET"),
        ("%[txn.timer.total,mul(10)]", "400", "duration_ms", 40),
        ("%[txn.timer.total,add(7),neg]", "-47", "duration_ms", 40),
        ("%[fc.timer.total,div(100),mul(2)]", "8", "duration_ms", 400),
        ("%[bytes_out,div(1024),div(1024)]", "3", "size", 3 << 20),
        ("%[res.bytes_in,sub(5)]", "95", "size", 100),
        ("%[status,mul(10)]", "2060", "status", 206),
        ("%[status,json]", "206", "status", 206),
        ("%[url,base64]", "L2EvYi50cz94PTE=", "path", "/a/b.ts"),
        ("%[url,ub64enc]", "L2EvYi50cz94PTE", "path", "/a/b.ts"),
        ("%[path,url_enc]", "%2Fa%2Fb%20c.ts", "path", "/a/b c.ts"),
        ("%[path,hex]", "2F612E7473", "path", "/a.ts"),
        ("%[path,cut_crlf,set-var(txn.p)]", "/a.ts", "path", "/a.ts"),
        ("%{+Q}[req.fhdr(user-agent),ltrim( ),json(utf8s)]", '"VLC \\"3\\""', "user_agent", 'VLC "3"'),
        ("%[req.fhdr(user-agent),json,base64]", "VkxDIFwiM1wi", "user_agent", 'VLC "3"'),
        ("%[req.fhdr(user-agent),hex]", "564C432F33", "user_agent", "VLC/3"),
        ("%[req.hdr(host),lower,host_only]", "h.example", "host", "h.example"),
        ("%{+Q}[var(txn.ua),b64dec]", '"VLC 3"', "user_agent", "VLC 3"),
        ("%[req.fhdr(user-agent),base64]", "-", "user_agent", "-"),
        ("%[req.fhdr(user-agent),base64]", "no base64!", "user_agent", ""),
    ],
)  # fmt: skip
def test_what_a_converter_did_is_undone(read: Read, item: str, written: str, column: str, value: object) -> None:
    [row] = read(f"192.0.2.7 {WHEN} |{written}|", formats={"*": f"%ci %tr |{item}|"})
    assert row[column] == value


@pytest.mark.parametrize(
    ("item", "written"),
    [
        ("%[src,hex]", "C0000207"),
        ("%[src,base64]", "wAACBw=="),
        ("%[src,ipmask(32,64)]", "192.0.2.7"),
        ("%[src,ipmask(255.255.255.255,ffff:ffff:ffff:ffff::),lower]", "192.0.2.7"),
    ],
)
def test_an_address_comes_back_too(read: Read, item: str, written: str) -> None:
    assert read(f"{written} {WHEN} 200", formats={"*": f"{item} %tr %ST"})[0]["address"] == "192.0.2.7"


@pytest.mark.parametrize(
    ("item", "written", "at"),
    [
        ('%[request_date(ms),ms_ltime("%d/%b/%Y:%H:%M:%S.%3N")]', "22/Nov/2026:18:10:25.353", AT),
        ('%[accept_date(us),us_ltime("%F %T.%6N")]', "2026-11-22 18:10:25.353999", AT),
        ('%[request_date(ms),ms_utime("%Y-%m-%dT%H:%M:%S.%3NZ")]', "2026-11-22T16:10:25.353Z", AT),
        ('%[request_date(ms),ms_utime("%s.%3N")]', "1795363825.353", AT),
        ('%[request_date,ltime("%d/%b/%Y:%H:%M:%S %z")]', "22/Nov/2026:11:10:25 -0500", "2026-11-22T16:10:25.000Z"),
        ("%[request_date,http_date]", "Sun, 22 Nov 2026 16:10:25 GMT", "2026-11-22T16:10:25.000Z"),
        ("%[request_date,utime(%c)]", "Sun Nov  1 16:10:25 2026", "2026-11-01T16:10:25.000Z"),
        ('%[request_date,utime("%D %r")]', "11/22/26 12:10:25 AM", "2026-11-22T00:10:25.000Z"),
        ('%[request_date,utime("%Y%j%H%M%S",3600)]', "2026326171025", "2026-11-22T16:10:25.000Z"),
        ('%[request_date(ms),div(1000),add(60),utime("%F_%H:%M")]', "2026-11-22_16:11", "2026-11-22T16:10:00.000Z"),
        ("%[request_date(us),div(1000)]", "1795363825353", AT),
        ("%[request_date(ms),hex]", "000001A203AEC009", "2026-11-22T16:10:25.353Z"),
    ],
)  # fmt: skip
def test_a_date_is_read_by_the_pattern_that_wrote_it(read: Read, item: str, written: str, at: str) -> None:
    haproxy = {"formats": {"*": f"%ci [{item}] %ft"}, "timezone": "Africa/Johannesburg"}
    if "hex" in item:
        written = f"{1795363825353:016X}"
    assert [row["at"] for row in read(f"192.0.2.7 [{written}] fe", **haproxy)] == [at]


def test_a_date_at_the_start_is_not_taken_for_a_header(read: Read) -> None:
    own = "2026-11-22T16:10:25Z 192.0.2.7 fe"
    string = '%[accept_date,utime("%Y-%m-%dT%H:%M:%SZ")] %ci %ft'
    rows = read(own, f"2026-11-22T16:10:26Z edge-01 haproxy[7]: {own}", formats={"*": string})
    assert [(row["at"], row["address"]) for row in rows] == [("2026-11-22T16:10:25.000Z", "192.0.2.7")] * 2


@pytest.mark.parametrize(
    ("item", "converter", "why"),
    [
        ("%[status,div(100)]", "div(100)", "changes the value for good"),
        ("%[method,length]", "length", "changes the value for good"),
        ("%[path,lower]", "lower", "changes the value for good"),
        ("%[url,regsub(token=.*,)]", "regsub", "changes the value for good"),
        ("%[url,ltrim(/)]", "ltrim", "changes the value for good"),
        ("%[req.fhdr(user-agent),sha1,hex]", "sha1", "changes the value for good"),
        ("%[req.fhdr(user-agent),lua.short]", "lua.short", "is no converter that is known"),
        ("%[bytes_out,mod(1000)]", "mod", "changes the value for good"),
        ("%[bytes_out,mul(0)]", "mul", "changes the value for good"),
        ("%[bytes_out,base64]", "base64", "changes the value for good"),
        ("%[txn.timer.total,div(txn.unit)]", "div", "takes its number from a variable"),
        ('%[request_date,ltime("%H:%M:%S")]', "ltime", "has a pattern without a whole date"),
        ("%[request_date,ltime(%F)]", "ltime", "has a pattern without a time of day"),
        ('%[request_date,ltime("%F %T %q")]', "ltime", "has a pattern with %q, which can't be read back"),
        ('%[request_date(ms),ltime("%F %T")]', "ltime", "wants seconds"),
        ('%[request_date,ms_ltime("%F %T")]', "ms_ltime", "wants milliseconds"),
    ],
)  # fmt: skip
def test_a_converter_that_loses_the_value_is_refused_at_its_place(item: str, converter: str, why: str) -> None:
    string = f"%ci %ft |{item}|" if "_date" in item else f"%ci %tr |{item}|"
    with pytest.raises(FormatError, match="the converter") as caught:
        compiled(string)
    assert caught.value.at == string.index(f",{converter}") + 1
    assert why in str(caught.value) and "haproxy.samples" in str(caught.value)


def test_an_address_that_stands_for_several_is_refused_and_the_settings_may_say_that_it_is_meant() -> None:
    string = "%[src,ipmask(24)] %tr"
    with pytest.raises(FormatError, match="makes one address of several"):
        compiled(string)
    assert "address" in compiled(string, mapped={"src,ipmask(24)": "address"}).columns


@pytest.mark.parametrize(
    "string",
    [
        "%ci %tr %ST country=%[src,map_ip(/etc/geo.map)]",            # the address stands before it
        "%[src,map_ip(/etc/names)] %ci %tr %ST",                      # or behind it
        "%ci %tr %ST %[var(txn.anything),regsub(a,b)]",                # nothing reads it
        '%ci %[request_date,ltime("%H:%M")] %tr %ST',                  # another date is whole
        "%ci %tr %ST %[txn.timer.total,mod(1000)] %Tt",                # another length is
        '%ci %tr %ST %[path,lower] "%r"',                              # the request line has it
        "%ci %tr %ST %[bc.timer.connect,div(1000)]",                   # it only helps
    ],
)  # fmt: skip
def test_a_field_that_lost_its_value_does_no_harm_where_none_is_needed(string: str) -> None:
    assert compiled(string).columns >= {"address", "request_local"}


@pytest.mark.parametrize(
    ("item", "note"),
    [
        ("%[txn.timer.total,div(1000)]", "precise to 1 s"),
        ("%[bytes_out,div(1024)]", "precise to 1024 bytes"),
        ("%[req.hdr(user-agent)]", "only what stands behind the last comma"),
        ("%[req.fhdr(user-agent)]", ""),
    ],
)
def test_what_is_cut_off_a_value_is_said(item: str, note: str) -> None:
    assert note in "".join(compiled(f"%ci %tr |{item}|").notes) and bool(compiled(f"%ci %tr |{item}|").notes) == bool(
        note
    )


def test_every_converter_of_the_manual_is_in_the_table() -> None:
    named = (Path(__file__).parents[4] / "golden" / "formats" / "converter_names.txt").read_text().split()
    assert len(named) > 200 and [name for name in named if name not in CONVERTERS] == []
