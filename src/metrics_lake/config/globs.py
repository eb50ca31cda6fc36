"""The globs of tenants.yaml: what they match, which can never match, and whether some take all that others would."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPECIAL = re.compile(r"[*?\[]")
# What no glob begins, ends or contains; .* is one, as in /acme/live.*
_OF_REGEX = re.compile(r"^\^|\$$|\\[A-Za-z.]")
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")


def listed(globs: object) -> object:
    """One glob or a list of them as a list."""
    return [globs] if isinstance(globs, str) else globs


def checked(text: str) -> str:
    """The glob; ValueError where it is none, or was meant as a regular expression."""
    try:
        re.compile(expression(text))
    except re.error:
        raise ValueError(f"{text!r} is no glob: in [a-z] the first must not come after the last") from None
    if _OF_REGEX.search(text):
        raise ValueError(f"{text!r} looks like a regular expression and would match nothing: in a glob * is any text")
    return text


def checked_path(text: str) -> str:
    """A glob on paths; ValueError where no path can match it."""
    if _URL.match(text):
        raise ValueError(f"{text!r} is a URL, which no path matches: write its parts apart, as host: and path:")
    if text[:1] not in ("/", "*", "?", "["):
        raise ValueError(f"{text!r} can match no path, because a path begins with /: write {'/' + text!r}")
    return checked(text)


def checked_host(text: str) -> str:
    """A glob on host names; ValueError where no host can match it: in requests they stand without scheme, port and path."""
    bare = re.sub(r":\d+$", "", _URL.sub("", text).partition("/")[0])
    if bare != text:
        raise ValueError(f"{text!r} can match no host: write the name alone, as {bare!r}")
    return checked(text)


def expression(glob: str) -> str:
    """A glob as the kind of regular expression that Polars knows, which fnmatch.translate's are not under every Python."""
    return "".join(_part(part) for part in re.findall(r"\[!?\]?[^\]]*\]|.", glob, re.DOTALL))


def _part(part: str) -> str:
    if len(part) == 1:
        return {"*": ".*", "?": "."}.get(part, re.escape(part))
    negation = "^" if part[1] == "!" else ""
    inside = re.sub(r"([\\^&~\[\]])", r"\\\1", part[1 + len(negation) : -1])
    return f"[{negation}{inside}]"


def cover(wide: Sequence[str], narrow: Sequence[str], *, ignores_case: bool) -> bool:
    """Whether what any of `narrow` matches is surely matched by one of `wide`; no globs at all match everything."""
    if ignores_case:
        wide, narrow = [glob.lower() for glob in wide], [glob.lower() for glob in narrow]
    return not wide or (bool(narrow) and all(any(_covers(one, other) for one in wide) for other in narrow))


def _covers(wide: str, narrow: str) -> bool:
    """Equal, or `wide` has one star, at its end or start, and `narrow` begins or ends with the rest of it."""
    fixed = wide.strip("*")
    if wide == narrow or (not fixed and wide):
        return True
    if _SPECIAL.search(fixed):
        return False
    if wide == f"{fixed}*":
        return _SPECIAL.split(narrow, maxsplit=1)[0].startswith(fixed)
    return wide == f"*{fixed}" and not _SPECIAL.search(narrow) and narrow.endswith(fixed)
