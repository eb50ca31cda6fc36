"""Splits a log-format string into texts and items (HAProxy's manual, 8.2.6; `lf_expr_compile` in its src/log.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from metrics_lake.sources.haproxy.formats.errors import FormatError

_NAME = re.compile(r"\(([A-Za-z0-9_-]*)(?::([a-z]+))?\)")
_FLAGS = re.compile(r"\{([^}]*)\}")
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_FLAG_NAMES = ("M", "Q", "X", "E", "bin", "json", "cbor")


@dataclass(frozen=True)
class Text:
    """A text that HAProxy writes unchanged."""

    at: int
    text: str


@dataclass(frozen=True)
class Item:
    """One `%…`: an alias or a sample expression (at `sample_at`), its name in `(…)` if it has one, and its flags."""

    at: int
    alias: str = ""
    sample: str = ""
    sample_at: int = 0
    name: str = ""
    flags: frozenset[str] = frozenset()

    @property
    def spelling(self) -> str:
        return f"%[{self.sample}]" if self.sample else f"%{self.alias}"


def tokens(text: str) -> Iterator[Text | Item]:
    """Texts and items in turn. The flags of a `%o` apply to all items after it."""
    global_flags: frozenset[str] = frozenset()
    at = start = 0
    while (at := text.find("%", start)) >= 0:
        if at > start:
            yield Text(start, text[start:at])
        if text.startswith("%%", at):
            yield Text(at, "%")
            start = at + 2
            continue
        item, start = _item(text, at, global_flags)
        if item.alias == "o":
            global_flags = item.flags
        yield item
    if start < len(text):
        yield Text(start, text[start:])


def _item(text: str, at: int, flags: frozenset[str]) -> tuple[Item, int]:
    """The item that begins with the `%` at `at`, and the position after it."""
    position, name = at + 1, ""
    if text.startswith("(", position):
        name_match = _NAME.match(text, position)
        if not name_match:
            raise FormatError("a name is letters, digits, - and _ in brackets, as in %(ip)ci,", text, position)
        name, position = name_match[1], name_match.end()
    if text.startswith("{", position):
        flags_match = _FLAGS.match(text, position)
        if not flags_match:
            raise FormatError("this { is never closed", text, position)
        flags, position = _changed_flags(flags, flags_match[1], text, position + 1), flags_match.end()
    if text.startswith("[", position):
        end = _sample_end(text, position)
        return Item(at, sample=text[position + 1 : end], sample_at=position + 1, name=name, flags=flags), end + 1
    alias = _ALIAS.match(text, position)
    if not alias:
        raise FormatError("% without a name behind it", text, at, remedy="a percent sign itself is written %%")
    return Item(at, alias=alias[0], name=name, flags=flags), alias.end()


def _changed_flags(flags: frozenset[str], changes: str, text: str, at: int) -> frozenset[str]:
    for change in changes.split(","):
        sign, flag = change[:1], change[1:]
        if flag not in _FLAG_NAMES or sign not in "+-":
            if change not in _FLAG_NAMES:  # HAProxy's manual once wrote {Q}: it has no effect
                raise FormatError(f"unknown flag {change!r}", text, at, remedy=f"known: {', '.join(_FLAG_NAMES)}")
        else:
            flags = flags | {flag} if sign == "+" else flags - {flag}
        at += len(change) + 1
    return flags


def _sample_end(text: str, start: int) -> int:
    """The position of the `]` that ends a sample expression; brackets inside parentheses and quotes don't end it."""
    depth, quote, at = 0, "", start + 1
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and depth:
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "]" and depth <= 0:
            return at
        at += 1
    raise FormatError("this [ is never closed", text, start)
