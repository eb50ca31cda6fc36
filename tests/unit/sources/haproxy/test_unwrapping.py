"""What journals, runtimes, shippers and exports wrap around lines is taken off; whatever is no wrapping stays as it is."""

from __future__ import annotations

import base64
import gzip
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.sources.haproxy import unwrapping
from metrics_lake.sources.haproxy.unwrapping import inner_lines
from tests.unit.sources.haproxy.logs import SECRET, line, parse, text

A, B = line(1), line(2, agent="a #22quoted#22 \\ agent; with, signs <of> é")
NOTICE = "Proxy fe stopped (cumulated conns: FE: 12, BE: 0)."


def base64_of(content: str | bytes) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


def events(*messages: str) -> bytes:
    listed = [{"id": str(number), "message": message} for number, message in enumerate(messages)]
    return gzip.compress(json.dumps({"messageType": "DATA_MESSAGE", "logEvents": listed}).encode())


WRAPPINGS = {
    "journald": lambda x: json.dumps({"_HOSTNAME": "e", "MESSAGE": x}),
    "journald, bytes": lambda x: json.dumps({"A": [1], "MESSAGE": list(f"{x}\r".encode())}),
    "journald, bytes without blanks": lambda x: json.dumps({"MESSAGE": list(x.encode())}, separators=(",", ":")),
    "docker": lambda x: json.dumps({"log": f"{x}\n", "stream": "stdout"}),
    "docker, escaped as by Go": lambda x: json.dumps({"log": f"{x}\n"}).replace("<", "\\u003c"),
    "docker in Loki": lambda x: json.dumps({"streams": [{"values": [["1700", json.dumps({"log": x})]]}]}),
    "Loki with metadata": lambda x: json.dumps({"values": [["1700", x, {"a": "b"}]]}),
    "fluentd": lambda x: f"2001-01-15T12:00:00+00:00\thaproxy\t{json.dumps({'message': x})}",
    "fluentd, to stdout": lambda x: f"2001-01-15 12:00:00.0 +0000 haproxy: {json.dumps({'log': x})}",
    "an element of an array": lambda x: f"  {json.dumps({'message': x})},",
    "a sequence of RFC 7464": lambda x: f"\x1e{json.dumps({'message': x})}",
    "GCP": lambda x: json.dumps({"jsonPayload": {"a": 1, "message": x}}),
    "Logstash": lambda x: json.dumps({"event": {"original": x}, "host": {"name": "e"}}),
    "the event collector": lambda x: json.dumps({"time": 1, "event": x}),
    "Insights": lambda x: json.dumps([{"field": "@ptr", "value": "a b"}, {"field": "@message", "value": x}]),
    "Kinesis": lambda x: json.dumps({"kinesis": {"data": base64_of(x)}}),
    "Firehose": lambda x: json.dumps({"records": [{"recordId": "1", "data": base64_of(x + chr(10))}]}),
    "a subscription": lambda x: json.dumps({"awslogs": {"data": base64_of(events(x))}}),
    "a subscription in Kinesis": lambda x: json.dumps({"Records": [{"kinesis": {"data": base64_of(events(x))}}]}),
    "base64": base64_of,
    "logfmt": lambda x: f"ts=1 msg={json.dumps(x)} level=info",
    "CSV": lambda x: '"1","' + x.replace('"', '""') + '"',
    "CSV with semicolons": lambda x: '"1";"' + x.replace('"', '""') + '";2',
    "CSV of one column": lambda x: '"' + x.replace('"', '""') + '"',
    "CSV with bars": lambda x: '"1"|"' + x.replace('"', '""') + '"',
    "CSV with escaped quotes": lambda x: '"1","' + x.replace('"', '\\"') + '"',
    "journald, export": lambda x: f"MESSAGE={x}",
    "cut at its end": lambda x: json.dumps({"log": x, "stream": "stdout"})[:-10],
}


@pytest.mark.parametrize("plain", [A, B, NOTICE], ids=["a request", "quotes and signs", "a notice"])
@pytest.mark.parametrize("kind", sorted(WRAPPINGS))
def test_a_line_comes_out_as_it_went_in(kind, plain):
    if plain is NOTICE and kind == "cut at its end":
        plain = f'{NOTICE} "'
    assert inner_lines(WRAPPINGS[kind](plain)) == [plain]


@pytest.mark.parametrize(
    "record",
    [
        json.dumps({"MESSAGE": None, "PRIORITY": "6"}),
        json.dumps({"MESSAGE": [], "PRIORITY": "6"}),
        json.dumps({"log": "\n", "stream": "stdout"}),
        json.dumps({"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "CWL CONTROL MESSAGE"}]}),
        "__CURSOR=s=0123", "_PID=31", "PRIORITY=6", "    SYSLOG_FACILITY=16", "[", "]", "},",
        '"timestamp","source","message"', "@timestamp,@message", "_time;_raw",
    ],
)  # fmt: skip
def test_a_record_without_a_message_is_a_blank_line(record):
    assert inner_lines(record) == [""]


@pytest.mark.parametrize(
    "plain",
    [
        A, NOTICE, "", " ", "[NOTICE] (1) : haproxy version is 3.0", "nonsense", '{"ts":1,"ua":"a b"}', '{"log": 5}', "[0] haproxy",
        '{"message": "GET"}', '[1, 2, 3, 4]', "{" * 100_000, "[" * 100_000, '{"a":' * 5000, '"', '""', ',""', "A" * 60,
        json.dumps({"kinesis": {"data": base64_of(bytes(range(99)))}}), json.dumps({"MESSAGE": [300]}), '{"MESSAGE": {"a": 1}}',
        'a=1 log="x"', "_", "__", "2001,12,name", base64_of(b"\x1f\x8b" + bytes(40)),
    ],
)  # fmt: skip
def test_what_wraps_nothing_stays_as_it_is(plain):
    assert inner_lines(plain) == [plain]


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(['{"log":', '"MESSAGE"', "[", "]", "{", "}", '"', '""', ",", ":", "1", A, "\\", "=", " ", "é"])
    )
)
def test_no_text_stops_the_reading(parts):
    lines = inner_lines("".join(parts))
    assert lines and all(isinstance(line, str) for line in lines)


def test_a_bomb_is_unpacked_in_part_alone():
    bomb = gzip.compress(A.encode() + b"\n" + b" " * (64 << 20))
    [*lines] = inner_lines(json.dumps({"awslogs": {"data": base64_of(bomb)}}))
    assert sum(map(len, lines)) < 8 << 20


def test_each_line_of_a_record_counts_and_keeps_the_record_s_number(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    record = json.dumps({"awslogs": {"data": base64_of(events(A, "nonsense that is none", NOTICE))}})
    joined = json.dumps({"message": B}) + json.dumps({"message": line(3)})
    got = parse(text([line(4), record, joined]))
    assert got.accounts == {"accepted": 4, "reject": 1, "skipped": 1} and got.files[0]["line_count"] == 6
    assert got.rejects == {2: "no_request"}


def test_ordinary_lines_are_not_looked_into(monkeypatch):
    def refused(text: str) -> list[str]:
        raise AssertionError(text)

    monkeypatch.setattr(unwrapping, "inner_lines", refused)
    plain = [
        A,
        line(3, prefix="Jan 15 12:00:00 edge-01 haproxy[1]: "),
        NOTICE,
        "",
        "nonsense of words",
        f"{A} 31 7 979560000.100 -",
    ]
    clf = '192.0.2.7 - - [15/Jan/2001:16:10:28 +0000] "GET /a HTTP/1.1" 200 188 "" "" 45402 467 "fe" "be" "s1" 0 0 0 0 0 ---- "" "x, y"'
    frame = pl.DataFrame({"file_number": 0, "line_number": range(7), "text": [*plain, clf]})
    assert unwrapping.unwrap(frame).equals(frame)


def test_doubled_quotes_of_a_request_are_undone_where_no_quote_marks_the_cell(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    got = parse(text(["1,edge-01," + A.replace('"', '""'), line(5)]))
    assert got.accounts == {"accepted": 2} and len({row["listener_id"] for row in got.visits}) == 1
