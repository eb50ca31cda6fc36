"""The hour that is part of a log file's path."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_./]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])")
_ENDING = re.compile(r"(?:\.(?:log|txt|json|gz|zst|xz|bz2))+$")
_HOUR_LAST = re.compile(r"(?:.*?\D)??([01]\d|2[0-3])(?:[-_.:h]?00){0,2}Z?")
_HOUR_FOLDER = re.compile(r"[-_/T]([01]\d|2[0-3])(?:[-_.:h]?00)?/.*")


@lru_cache(maxsize=100_000)
def named_at(path: str, zone: str) -> datetime | None:
    """The full hour in a path, read in this time zone, as an instant; None if the path has none."""
    date_match = _DAY.search(path)
    if not date_match:
        return None
    rest = _ENDING.sub("", path[date_match.end() :])
    hour = _HOUR_LAST.fullmatch(rest) or _HOUR_FOLDER.fullmatch(rest)
    if not hour:
        return None
    try:
        wall = datetime(int(date_match[1]), int(date_match[3]), int(date_match[4]), int(hour[1]), tzinfo=ZoneInfo(zone))
    except ValueError:
        return None
    return wall.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
