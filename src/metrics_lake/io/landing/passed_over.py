"""Which files of a landing folder are passed over by their names."""

from __future__ import annotations

import re

_UNFINISHED = (".tmp", ".part", ".partial", ".swp", "~")
_ABOUT = re.compile(r"readme(\.\w+)?|.*\.(md|md5|sha1|sha256|sha512|asc|sig)|_success", re.IGNORECASE)


def is_passed_over(name: str) -> bool:
    """Whether a file's name says that it is hidden, still being written, or about the files beside it."""
    return name.startswith(".") or name.endswith(_UNFINISHED) or _ABOUT.fullmatch(name) is not None
