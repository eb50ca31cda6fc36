"""The notes that publish keeps beside the tenants' folders, each a JSON object. One that is torn counts as missing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from metrics_lake.io.storage.blobs import Blobs


def read(blobs: Blobs, path: str) -> dict[str, Any]:
    """A note; empty if it is missing or torn."""
    return parsed(blobs.read(path))


def parsed(content: bytes | None) -> dict[str, Any]:
    """The object of a file's bytes; empty if they are none."""
    try:
        value = json.loads(content or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def is_torn(content: bytes | None) -> bool:
    """Whether a file is there and is no JSON object."""
    try:
        return content is not None and not isinstance(json.loads(content), dict)
    except ValueError:
        return True


def remove_torn(blobs: Blobs, paths: Iterable[str]) -> None:
    """Removes the notes that are torn."""
    for path in paths:
        if is_torn(blobs.read(path)):
            blobs.delete(path)
