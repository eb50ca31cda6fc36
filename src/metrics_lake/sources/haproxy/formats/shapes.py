"""The characters that a field may contain, which decide where it ends: so a line is split without guessing."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field, replace

_PRINTABLE = frozenset(map(chr, range(32, 127)))
_ALNUM = frozenset(string.ascii_letters + string.digits)


@dataclass(frozen=True)
class Shape:
    """The characters of a kind of field.

    `exact` is a pattern that matches a value and nothing after it; `is_escaped` means that a value has no bare quote;
    `may_be_empty` means that HAProxy writes nothing for an absent value, and not `-`.
    """

    name: str
    characters: frozenset[str] = field(repr=False)
    exact: str = ""
    is_escaped: bool = False
    may_be_empty: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it may contain any character, also blanks and quotes."""
        return self.characters >= _PRINTABLE

    def pattern(self, *, shortest: bool = False) -> str:
        """A regular expression for one value, without nested repetition; greedy unless `shortest`."""
        if self.exact:
            return self.exact
        often = ("*" if self.may_be_empty else "+") + ("?" if shortest else "")
        if self.is_open:
            return f"(?s:.{often})"
        if len(self.characters) < len(_PRINTABLE) // 4:
            return f"[{re.escape(''.join(sorted(self.characters)))}]{often}"
        return f"[^{re.escape(''.join(sorted(_PRINTABLE - self.characters)))}]{often}"

    def ends_before(self, text: str) -> bool:
        """Whether the first `text` after a value surely ends it: a value can't contain part of it."""
        if self.is_escaped and re.search(r'[^\\]"', text):
            return True
        return any(char not in self.characters for char in text)

    def within_quotes(self) -> Shape:
        """The same shape inside quotes: it may contain blanks."""
        return replace(self, characters=self.characters | {" "}, may_be_empty=True)


NUMBER = Shape("number", frozenset(string.digits + "+-"))
MILLISECONDS = Shape("milliseconds", frozenset(string.digits + "-"), r"\d{3}")
HEX = Shape("hex number", frozenset(string.hexdigits + "-"))
ADDRESS = Shape("address", _ALNUM | frozenset(":.%-_"))
TOKEN = Shape("token", _ALNUM | frozenset("+/=_-"))
NAME = Shape("name", _ALNUM | frozenset("-_.:~<>"))
STATE = Shape("state", frozenset(string.ascii_letters + "-"))
_SECONDS = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d"
STAMP = Shape("date", _ALNUM | frozenset("/:."), _SECONDS + r"\.\d{3}")
ZONED = Shape("date", STAMP.characters | frozenset(" +-"), _SECONDS + r" [+-]\d{4}")
WORD = Shape("word", _PRINTABLE - frozenset(' "'))
URI = Shape("uri", _PRINTABLE - frozenset(' "'), may_be_empty=True)
REQUEST = Shape("request line", _PRINTABLE - frozenset('"'))
GROUPS = Shape("captures", _PRINTABLE - frozenset('"'), r"(?: ?\{[^}]*\})* ?")
QUOTED_GROUPS = Shape("captures", _PRINTABLE, r'(?: ?"\{[^}]*\}")* ?')
QUOTED_LIST = Shape("captures", _PRINTABLE, r'(?: ?"[^"]*")* ?')
# The same, with the blank after them.
GROUPS_AND_BLANK = replace(GROUPS, exact=r"(?:\{[^}]*\}(?: |$))*")
QUOTED_GROUPS_AND_BLANK = replace(QUOTED_GROUPS, exact=r'(?:"\{[^}]*\}"(?: |$))*')
QUOTED_LIST_AND_BLANK = replace(QUOTED_LIST, exact=r'(?:"[^"]*"(?: |$))*')
TEXT = Shape("text", _PRINTABLE)
ESCAPED = Shape("escaped text", _PRINTABLE, r'(?:[^"\\]|\\.)*', is_escaped=True)
