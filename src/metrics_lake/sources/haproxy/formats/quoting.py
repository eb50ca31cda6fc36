"""From the text in haproxy.cfg to the log-format string that HAProxy uses (its manual, 2.2)."""

from __future__ import annotations

import re

from metrics_lake.sources.haproxy.formats.errors import FormatError

_KEYWORD = re.compile(r"\s*(?:error-)?log-format(?:-sd)?\s+")
_PROFILE = re.compile(r"\s*(?:log-profile\s+\S+\s+)?on\s+[\w-]+\s+(?:drop\s+)?format\s+")  # HAProxy 3.1
_PROFILE_END = re.compile(r"\s+(?:sd\s|on\s|log-tag\s|drop\b|#)")
_CONTINUED = re.compile(r"\\[ \t]*\r?\n[ \t]*")
_PLAIN = {"t": "\t", "n": "\n", "r": "\r"}
_ESCAPED = " \\#'\"$"


def unquoted(text: str) -> str:
    """The string of a whole `log-format …` line, of a `log-profile`, of a quoted string, or of a bare one.

    A bare string with escaped blanks is a word of haproxy.cfg, so its quotes are removed as HAProxy 1.6 and later do. One
    with plain blanks was copied from between its outer quotes, and keeps those inside.
    """
    text = _CONTINUED.sub(" ", text)
    if profile := _PROFILE.match(text):
        return _word(_first_word(text[profile.end() :].strip()))
    keyword = _KEYWORD.match(text)
    body = text[keyword.end() :] if keyword else text.strip("\r\n")
    stripped = body.strip()
    is_quoted = len(stripped) > 1 and stripped[0] in "'\"" and stripped[-1] == stripped[0]
    if keyword or ((is_quoted or "\\ " in stripped) and _is_word(stripped)):
        return _word(stripped)
    return _bare(body)


def _first_word(text: str) -> str:
    """The format of a `log-profile`'s line, without what stands behind it: `sd …`, or the next `on …`."""
    ends = [end.start() for end in _PROFILE_END.finditer(text)] + [len(text)]
    return next((text[:end] for end in ends if _is_word(text[:end])), text)


def _bare(text: str) -> str:
    """Removes escapes and keeps quotes and blanks: for text that was copied without its outer quotes."""
    return re.sub(r"\\([ \\#'\"])", r"\1", text)


def _is_word(text: str) -> bool:
    """Whether the text is one quoted word, and not a string that only begins and ends with quotes."""
    try:
        _word(text)
    except FormatError:
        return False
    return True


def _word(text: str) -> str:
    """One word of haproxy.cfg without quotes and backslashes. A blank or `#` outside quotes ends it."""
    out, quote, at = list[str](), "", 0
    opened = 0
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            piece, at = _escape(text, at)
            out.append(piece)
            continue
        if char in "'\"" and quote in ("", char):
            quote, opened = ("" if quote else char), at
        elif char in " \t#" and not quote:
            if char != "#" and (rest := text[at:].strip()) and not rest.startswith("#"):
                raise FormatError(
                    "a blank that is neither quoted nor escaped", text, at, remedy="HAProxy refuses it too"
                )
            break
        else:
            out.append(char)
        at += 1
    if quote:
        raise FormatError(f"this {quote} is never closed", text, opened)
    return "".join(out)


def _escape(text: str, at: int) -> tuple[str, int]:
    """The character of an escape, and the position after it. An unknown escape is kept."""
    following = text[at + 1 : at + 2]
    if following and following in _ESCAPED:
        return following, at + 2
    if following in _PLAIN:
        return _PLAIN[following], at + 2
    if following == "x":
        try:
            return chr(int(text[at + 2 : at + 4], 16)), at + 4
        except ValueError:
            raise FormatError("\\x needs two hex digits", text, at) from None
    return "\\", at + 1
