"""Takes HAProxy's lines out of what journals, container runtimes, shippers and exports wrap around them.

Read are JSON objects and arrays (docs/formats.md shows one for each shipper) also behind a prefix and several in a row, base64
and packed records in them, logfmt, CSV with doubled quotes, journald's export, and lines that are base64 as a whole.
Whatever is none of these stays as it is. A record of several lines gives a row for each, under the record's number.
"""

from __future__ import annotations

import base64
import csv
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

import polars as pl

from metrics_lake.sources.haproxy import log_lines

LONGEST = 1 << 20  # bytes of a record
_UNPACKED_BYTES = 4 << 20
_DEPTH = 4  # such as docker's object in a shipper's
# Members that hold a line whatever it is, and members that do only if it looks like one.
_LINES = ("MESSAGE", "message", "log", "textPayload", "@message", "_raw", "full_message", "short_message")
_PERHAPS = (
    "msg",
    "line",
    "event",
    "text",
    "original",
    "Message",
    "Log",
    "body",
    "data",
    "Data",
    "SyslogMessage",
    "LogEntry",
)
_MEMBERS = (*_LINES, *_PERHAPS, "values", "logEvents", "field", "records", "Records")
_QUOTED_MEMBERS = [f'"{name}"' for name in _MEMBERS]
_PAIRS = [f'{name}="' for name in ("msg", "message", "MESSAGE", "log", "line")]
# What a quoted cell of CSV begins with, and a request in one, whatever stands between cells.
_CELLS = [',"', ';"', '\t"', '|"', '""GET ', '""HEAD ', '""POST ', '""OPTIONS ']
_JOURNAL = r"^[ \t]*(?:__?[A-Z]|MESSAGE=|PRIORITY=|SYSLOG_)[A-Z0-9_]*=?"
_JOURNAL_FIELD = re.compile(r"[ \t]*(MESSAGE|PRIORITY|SYSLOG_[A-Z_]+|__?[A-Z][A-Z0-9_]*)=(.*)", re.S)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
_START = r"^(?:[{\[_\x22\x1e]|MESSAGE=|PRIORITY=|SYSLOG_|    )"
_MARKS = ('{"', '="', '""', "=>")  # a line that has none of them, nor begins with a bracket, wraps nothing
_STAMP = re.compile(r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d")
_NOTICE = re.compile(log_lines.NOTICE)
_PAIR = re.compile(r'(?:^|[\s{,])(?:msg|message|MESSAGE|log|line)="((?:[^"\\]|\\.)*)"')
_BROKEN_MEMBER = re.compile(rf'"(?:{"|".join((*_LINES, *_PERHAPS))})"\s*:\s*"((?:[^"\\]|\\.)*)')
_HEADING = re.compile(r'"?[@_A-Za-z][\w .@-]*"?')
_BRACKETS = frozenset("[]{}")  # alone on a line, around the records of an export
_DELIMITER = re.compile(r'[,;\t|](?=")|(?<=")[,;\t|]')
_DOUBLED_REQUEST = re.compile(r'(?<!")""[A-Z]+ [^"]+""')
_ESCAPED_REQUEST = re.compile(r'\\"[A-Z]+ [^"]+\\"')
_DECODER = json.JSONDecoder(strict=False)


def unwrap(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines (file_number, line_number, text) without their wrappings. Only those that begin like one are looked into."""
    is_likely = _is_likely(lines["text"])
    if not is_likely.any():
        return lines
    likely = lines.filter(is_likely)
    texts = pl.Series("text", [list(inner_lines(text)) for text in likely["text"]], dtype=pl.List(pl.String))
    rows = likely.with_columns(texts).explode("text")
    return pl.concat([lines.filter(~is_likely), rows]).sort("file_number", "line_number", maintain_order=True)


def _is_likely(texts: pl.Series) -> pl.Series:
    """Which lines may wrap others. Few and cheap looks at each, as most logs have no such line, and closer ones at the rest."""
    text = pl.col("text")
    ends = [text.str.starts_with(sign) for sign in ("{", "[")] + [text.str.ends_with(sign) for sign in ("}", "]")]
    marks = [text.str.contains(mark, literal=True) for mark in ('""', '="')]
    frame = texts.to_frame("text").with_row_index()
    rest = frame.filter(text.str.contains(_START) | pl.any_horizontal(*marks, ~text.str.ends_with('"')))
    is_member = text.str.contains_any(_QUOTED_MEMBERS) | text.str.contains(r"^\W*$")
    has_cells = text.str.contains_any(_CELLS)
    is_csv = (has_cells & text.str.contains('""', literal=True)) | text.str.starts_with('"')
    is_wrapping = (
        (pl.any_horizontal(*ends) & is_member)
        | text.str.contains_any(_PAIRS)
        | text.str.contains(_JOURNAL)
        | ~text.str.contains(" ", literal=True)
        | is_csv
    )
    places = rest.filter(is_wrapping & text.str.len_bytes().is_between(1, LONGEST))["index"]
    return pl.repeat(False, len(texts), dtype=pl.Boolean, eager=True).scatter(places, True)


def inner_lines(text: str, depth: int = 0) -> list[str]:
    """The lines inside a text; the text itself if it wraps none. An empty one stands for a record without a message."""
    if depth == _DEPTH or (depth and " " in text and text[0] not in "{[" and not any(mark in text for mark in _MARKS)):
        return [text]
    inner = next((lines for lines in _readings(text) if lines), None)
    if inner is None:
        return [text]
    return [line for outer in inner for line in ([outer] if outer == text else inner_lines(outer, depth + 1))]


def _readings(text: str) -> Iterator[list[str]]:
    """What each kind of wrapping makes of a text, the likeliest first."""
    stripped = text.strip(" \t\r\x1e,")
    if stripped in _BRACKETS:
        yield [""]
    if stripped[:1] in ("{", "["):
        yield _in_json(stripped)
    if stripped[-1:] in ("}", "]") and (at := stripped.find('{"')) > 0:
        yield _in_json(stripped[at:].replace('"=>', '":') if '"=>' in stripped else stripped[at:])
    if match := _JOURNAL_FIELD.fullmatch(text):
        yield [match[2].strip() if match[1] == "MESSAGE" else ""]
    if text.startswith('"') or ('""' in text and text[0] not in "{["):
        yield _in_csv(text)
    if " " not in text or text.startswith('"'):
        yield _heading(text)
    yield _escaped(_BROKEN_MEMBER.search(text)) or _escaped(_PAIR.search(text))
    if _BASE64.fullmatch(stripped):
        yield _in_base64(stripped)


def _in_json(text: str) -> list[str]:
    """The lines in JSON values that stand one behind the other; none if the text isn't JSON to its end."""
    lines, at = list[str](), 0
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return lines if at else []
        lines += _in_value(value)
        while at < len(text) and text[at] in " ,\r\n\t\x1e":
            at += 1
    return lines


def _in_value(value: Any) -> list[str]:
    if isinstance(value, dict):
        return _in_object(value)
    if not isinstance(value, list):
        return []
    if (inner := _in_bytes(value)) and any(map(_is_logged, inner)):
        return inner
    if len(value) in (2, 3) and isinstance(value[1], str) and str(value[0]).isdecimal():
        return _split(value[1])  # Loki: the instant in nanoseconds, and the line
    lines = [line for item in value if isinstance(item, str) and _is_logged(item) for line in _split(item)]
    return lines or [line for item in value if isinstance(item, dict | list) for line in _in_value(item)]


def _in_object(members: dict[str, Any]) -> list[str]:
    if {"field", "value"} <= members.keys():  # a cell of CloudWatch Logs Insights
        return _split(members["value"]) if members["field"] in _LINES else []
    message = members.get("MESSAGE", "")
    if message is None or message == [] or members.get("messageType") == "CONTROL_MESSAGE":
        return [""]
    if isinstance(message, list):  # bytes that are no text, or a field that came several times
        return [line for item in message for line in _split(item)] if _are_texts(message) else _in_bytes(message)
    for name in _LINES:
        line = members.get(name)
        if isinstance(line, str) and (" " in line or line.lstrip()[:1] in ("", "{") or _is_logged(line)):
            return _split(line)
    for name in _PERHAPS:
        line = members.get(name)
        if isinstance(line, str) and (inner := _split(line) if _is_logged(line) else _in_base64(line)):
            return inner
    nested = (_in_value(item) for name, item in members.items() if isinstance(item, dict | list))
    return next((lines for lines in nested if any(map(_is_logged, lines))), [])


def _in_bytes(items: list[Any]) -> list[str]:
    """The lines of an array of bytes, as journald writes what is not printable."""
    if not all(type(item) is int and 0 <= item < 256 for item in items):
        return []
    return _split(bytes(items).decode("utf-8", errors="replace"))


def _are_texts(items: list[Any]) -> bool:
    return all(isinstance(item, str) for item in items)


def _in_base64(text: str) -> list[str]:
    """The lines of a record of Kinesis or Firehose, packed by gzip where CloudWatch Logs wrote it."""
    if not _BASE64.fullmatch(text):
        return []
    try:
        data = base64.b64decode(
            text.translate(str.maketrans("-_", "+/")).rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        )
        if data.startswith(b"\x1f\x8b"):
            data = zlib.decompressobj(31).decompress(data, _UNPACKED_BYTES)
        plain = data.decode("utf-8")
    except (ValueError, zlib.error):
        return []
    return _split(plain) if _is_logged(plain) else []


def _in_csv(text: str) -> list[str]:
    """The cell that is a line, its quotes no longer doubled."""
    if _ESCAPED_REQUEST.search(text) and (text.startswith('"') or _DELIMITER.search(text)):
        text = text.replace('\\"', '""')
    if delimiter := _DELIMITER.search(text):
        cells = next(csv.reader([text], delimiter=delimiter[0], strict=False), [])
        if lines := [cell for cell in cells if _STAMP.search(cell) or _NOTICE.search(cell)]:
            return _split(lines[0])
    cell = text[1:-1].replace('""', '"') if text[:1] == text[-1:] == '"' else ""
    if not cell and _DOUBLED_REQUEST.search(text):  # quoted by a tool that left the cell itself bare
        cell = text.replace('""', '"')
    return _split(cell) if _STAMP.search(cell) or _NOTICE.search(cell) else []


def _heading(text: str) -> list[str]:
    """An empty line in place of the names of columns that an export begins with."""
    cells = re.split("[,;\t]", text.strip())
    is_heading = len(cells) > 1 and all(_HEADING.fullmatch(cell) for cell in cells)
    return [""] if is_heading and {cell.strip('"') for cell in cells} & {*_LINES, *_PERHAPS} else []


def _escaped(match: re.Match[str] | None) -> list[str]:
    """The line of a member or pair whose quotes are escaped, also where the text around it is cut."""
    if match is None or not (_is_logged(match[1]) if "\\" in match[1] else _NOTICE.search(match[1])):
        return []
    try:
        return _split(str(_DECODER.decode(f'"{match[1]}"')))
    except ValueError:
        return [match[1].replace('\\"', '"')]


def _is_logged(text: str) -> bool:
    """Whether a text looks like what HAProxy logs: a request, a notice, or an object of a log-format or another shipper."""
    return _STAMP.search(text) is not None or _NOTICE.search(text) is not None or text.lstrip()[:2] in ('{"', "[{")


def _split(text: Any) -> list[str]:
    return [line.rstrip("\r") for line in str(text).rstrip("\r\n").split("\n")]
