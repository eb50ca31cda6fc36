"""Undoes what a converter did to the values of a field: a name and arguments, so that a compiled format can be compared."""

from __future__ import annotations

import base64
import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import polars as pl

from metrics_lake.sources.haproxy.formats.time_patterns import time_pattern

ABSENT = ("", "-")


@dataclass(frozen=True)
class Undo:
    """One step back: a name of `_STEPS`, and its arguments."""

    name: str
    arguments: tuple[str, ...] = ()


def undone(series: pl.Series, step: Undo) -> pl.Series:
    """The values before the converter. One that the converter can't have written becomes empty, or null if it is a number."""
    return _STEPS[step.name](series, *step.arguments).alias(series.name)


def map_distinct(series: pl.Series, mark: str, change: Callable[[str], str]) -> pl.Series:
    """Applies a change to the values that contain the mark, once for each distinct value."""
    marked = series.filter(series.str.contains(mark, literal=True).fill_null(False)).unique()
    if marked.is_empty():
        return series
    return series.replace(marked, pl.Series([change(text) for text in marked], dtype=pl.String))


def from_json(text: str) -> str:
    """A text without the escapes of JSON."""
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:  # a bare quote, or a cut escape
        return text


def hex_address(text: str) -> str:
    """An address from its bytes in hex; any other text as it is."""
    try:
        return str(ipaddress.ip_address(bytes.fromhex(text)))
    except ValueError:
        return text


def hex_number(series: pl.Series) -> pl.Series:
    """Whole numbers from hex."""
    return series.str.to_integer(base=16, strict=False).cast(pl.String)


def _texts(change: Callable[[str], str]) -> Callable[[pl.Series], pl.Series]:
    def changed(text: str) -> str:
        if text in ABSENT:
            return text
        try:
            return change(text)
        except ValueError:
            return ""

    return lambda series: map_distinct(series, "", changed)


def _base64(text: str) -> str:
    return base64.b64decode(text, validate=True).decode("utf-8", errors="replace")


def _url_base64(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", errors="replace")


def _hex(text: str) -> str:
    return bytes.fromhex(text).decode("utf-8", errors="replace")


def _base64_address(text: str) -> str:
    return str(ipaddress.ip_address(base64.b64decode(text, validate=True)))


def _number(series: pl.Series) -> pl.Series:
    return series.cast(pl.Int64, strict=False)


def _added(series: pl.Series, number: str) -> pl.Series:
    return (_number(series) + int(number)).cast(pl.String)


def _multiplied(series: pl.Series, number: str) -> pl.Series:
    return (_number(series) * int(number)).cast(pl.String)


def _divided(series: pl.Series, number: str) -> pl.Series:
    return (_number(series) // int(number)).cast(pl.String)


def _instant(series: pl.Series, pattern: str, shift_ms: str) -> pl.Series:
    """Milliseconds since 1970, of dates in UTC or with their offset."""
    return (time_pattern(pattern).milliseconds(series) - int(shift_ms)).cast(pl.String)


def _local_time(series: pl.Series, pattern: str, shift_ms: str) -> pl.Series:
    """Dates of the log's clock, as `%tr` writes them."""
    at = time_pattern(pattern).milliseconds(series) - int(shift_ms)
    return pl.from_epoch(at, time_unit="ms").dt.strftime("%d/%b/%Y:%H:%M:%S%.3f")


_STEPS: Mapping[str, Callable[..., pl.Series]] = {
    "upper": lambda series: series.str.to_uppercase(),
    "json": lambda series: map_distinct(series, "\\", from_json),
    "base64": _texts(_base64),
    "ub64enc": _texts(_url_base64),
    "url_enc": _texts(lambda text: unquote(text, errors="replace")),
    "hex": _texts(_hex),
    "hex address": lambda series: map_distinct(series, "", hex_address),
    "base64 address": _texts(_base64_address),
    "hex number": hex_number,
    "add": _added,
    "mul": _multiplied,
    "div": _divided,
    "instant": _instant,
    "local time": _local_time,
}
