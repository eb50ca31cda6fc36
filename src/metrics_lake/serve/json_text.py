"""Documents as the text of JSON files."""

from __future__ import annotations

import json
from typing import Any

from metrics_lake.serve.sums import Row

_encode = json.JSONEncoder(ensure_ascii=False).encode


def encoded(document: Row) -> bytes:
    """JSON with one line for each entry: small enough for browsers, and readable for people and for diff.

    Written by hand because `indent=` makes Python encode every brace by itself, which took a third of a publish.
    """
    return (_spread(document, "\n") + "\n").encode()


def _spread(value: Any, newline: str) -> str:
    """Lists, and objects that contain lists or objects, take several lines; everything else takes one."""
    inner = f"{newline} "
    if isinstance(value, dict) and any(isinstance(member, (list, dict)) for member in value.values()):
        parts = (f"{_encode(name)}: {_spread(member, inner)}" for name, member in value.items())
        return f"{{{inner}{f',{inner}'.join(parts)}{newline}}}"
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join(map(_encode, value))}{newline}]"
    return _encode(value)
