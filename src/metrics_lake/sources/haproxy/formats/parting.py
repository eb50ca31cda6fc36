"""Where a line and a log-format string part: up to which byte of the line, and which character of the string, they agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from metrics_lake.privacy.hashing import masked
from metrics_lake.sources.haproxy.formats.compiler import Format
from metrics_lake.sources.haproxy.formats.fields import Field
from metrics_lake.sources.haproxy.formats.split_plan import Cut, Match, Step, Tail, fields_of
from metrics_lake.sources.haproxy.formats.splitting import steps_applied

_SHOWN = 40  # characters of the line from there on


@dataclass(frozen=True)
class Parting:
    """The first byte of the line that does not fit (from 1), the field of the string that it should be, and its character.

    `expected` is the text that the string has behind that field; `masked_rest` is how the line goes on, without addresses.
    """

    line_byte: int
    format_character: int
    field: str
    expected: str
    masked_rest: str


def parting(form: Format, line: str) -> Parting | None:
    """None if each field of the string is in the line and looks like one."""
    rest = line
    for step, after, values in steps_applied(pl.DataFrame({"text": [line]}), form):
        if step is None and after is None:
            return Parting(1, 1, "", form.start, _shown(line))
        fields = fields_of(step) if step else ()
        unlike = [field for field in fields if field.column and not _is_like(field, values[field.column])]
        if after is None or unlike:
            wrong = unlike[:1] or list(fields)
            value = values.get(wrong[0].column) if wrong else None
            expected = _expected(step) if wrong[-1:] == list(fields[-1:]) else ""
            return _at(wrong, expected, line, rest[max(rest.find(value), 0) :] if value else rest)
        rest = after
    return None


def _is_like(field: Field, value: str | None) -> bool:
    return value is not None and re.fullmatch(field.shape.pattern(), value, re.DOTALL) is not None


def _at(fields: Sequence[Field], expected: str, line: str, rest: str) -> Parting:
    start = len(line.encode()) - len(rest.encode()) + 1
    character = fields[0].at + 1 if fields else 1
    return Parting(start, character, " ".join(field.spelling for field in fields), expected, _shown(rest))


def _shown(rest: str) -> str:
    return str(pl.select(masked(pl.lit(rest[:_SHOWN]))).item())


def _expected(step: Step | None) -> str:
    """The text that ends a step's last field."""
    if isinstance(step, Cut | Match):
        return step.until
    return step.suffix if isinstance(step, Tail) else ""
