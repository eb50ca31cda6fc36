"""Splits a sample expression into its fetch and converters, with their arguments (HAProxy's manual, 7.3 and 2.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CALL = re.compile(r"\s*([\w.-]+)(?:\((.*)\))?\s*$", re.S)


@dataclass(frozen=True)
class Call:
    """A fetch or a converter: its name, its arguments without quotes, and its position in the expression."""

    name: str
    arguments: tuple[str, ...] = ()
    at: int = 0


def calls(sample: str) -> list[Call]:
    """The fetch, then its converters in order; a name is empty where the expression can't be understood."""
    out = []
    at = 0
    for part in _split(sample):
        match = _CALL.match(part)
        arguments = tuple(_plain(argument) for argument in _split(match[2])) if match and match[2] else ()
        out.append(Call(match[1] if match else "", arguments, at))
        at += len(part) + 1
    return out


def _split(text: str) -> list[str]:
    """Parts between commas that stand outside brackets and quotes."""
    parts, depth, quote, is_escaped = [""], 0, "", False
    for char in text:
        if is_escaped or char == "\\":
            is_escaped = not is_escaped
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            depth += (char == "(") - (char == ")")
        if char == "," and not (depth or quote or is_escaped):
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _plain(argument: str) -> str:
    """An argument as HAProxy takes it: without the quotes and backslashes that protect commas, brackets and blanks."""
    return re.sub(r"\\(.)|[\"']", lambda match: match[1] or "", argument, flags=re.S).strip(" ")
