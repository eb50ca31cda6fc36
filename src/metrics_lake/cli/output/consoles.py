"""Where commands write. Text is shown as it is: nothing that comes from a log, a file name or a setting is taken for markup.

Every console comes from here, and colours and bold are `Text` and `style=`: tests/rules/test_consoles.py holds that.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from rich.console import Console

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def console(*, stderr: bool = False, width: int | None = None, **more: Any) -> Console:
    """A console for stdout or stderr. Where it is no terminal it is 80 wide, unless COLUMNS or `width` says more."""
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False, **more)


def plain_text(text: str) -> str:
    """Text from data as one line without control characters, which could move the cursor or recolour the terminal."""
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def write_line(target: Console, text: str, style: str = "") -> None:
    """A line that is never broken: what is to be copied stays whole."""
    target.print(plain_text(text), soft_wrap=True, style=style, markup=False, highlight=False)


def replace_unknown_characters() -> None:
    """Lets stdout and stderr write `?` for what their encoding doesn't have, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")


def is_unicode() -> bool:
    """Whether stdout can show every character."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
