"""The hour that is part of a log file's path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_./]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])")
_HIVE_DAY = re.compile(r"(?<![A-Za-z])(?:y|year)=(\d{4})(/)(?:m|month)=(\d\d)/(?:d|day)=(\d\d)")
_ENDING = re.compile(r"(?:\.(?:log|txt|json|csv|gz|zst|xz|bz2|zip|\d{1,3}))+$")
_FULL_HOUR = r"([01]\d|2[0-3])(?:[-_.:h]?00(?:[-_.:]?[0-5]\d)?)?"
# A number of two digits behind an hour may be its minutes; what stands behind them, or in a folder, is no part of the time.
_END = r"(?:$|/.*|[-_.](?!\d\d(?!\d)).*)"
_BEHIND_DAY = (
    re.compile(rf"T{_FULL_HOUR}(Z|[+-]\d\d:?\d\d|\+\d\d)?{_END}"),
    re.compile(rf"[-_./]?(?:h|hour)?=?{_FULL_HOUR}(Z)?{_END}"),
)
# The names of files in the folder of a day: the hour and `00`, or the hour alone behind a program's name.
_IN_DAY = (
    re.compile(rf"(?:[^/]*?[-_.])?([01]\d|2[0-3])[-_.:h]?00(?:[-_.:]?[0-5]\d)?(Z)?{_END}"),
    re.compile(r"(?:(?:haproxy|access|https?|tcp|logs?)[-_.]?)*([01]\d|2[0-3])(Z)?"),
)
_NUMBER = re.compile(r"(?<![A-SU-Za-z0-9])\d\d")


@lru_cache(maxsize=100_000)
def named_at(path: str, zone: str) -> datetime | None:
    """The full hour in a path as an instant; None if the path has none. It stands right behind its date, or the date is a
    folder's. Without an offset (`T16+0100`) it is read in this time zone.
    """
    hour = next(_hours(path), None)
    if hour is None:
        return None
    day, at, offset = hour
    try:
        wall = datetime(*map(int, day), int(at), tzinfo=_zone(offset) or ZoneInfo(zone))  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return wall.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)


def is_of_unknown_kind(path: str) -> bool:
    """Whether a path tells no hour, though its file's name has a number, other than a date, that may be meant for one."""
    name = _ENDING.sub("", path.rpartition("/")[2])
    return next(_hours(path), None) is None and _NUMBER.search(_DAY.sub("", name)) is not None


def _hours(path: str) -> Iterator[tuple[tuple[str, str, str], str, str | None]]:
    """The hours of a path, that of its last date first: year, month and day, the hour, and its offset."""
    for date_match in reversed([*_HIVE_DAY.finditer(path), *_DAY.finditer(path)]):
        rest = _ENDING.sub("", path[date_match.end() :])
        matches = [pattern.fullmatch(rest) for pattern in _BEHIND_DAY]
        if rest.startswith("/"):
            matches += [pattern.fullmatch(rest.rpartition("/")[2]) for pattern in _IN_DAY]
        for hour in filter(None, matches):
            yield (date_match[1], date_match[3], date_match[4]), hour[1], hour[2]


def _zone(offset: str | None) -> tzinfo | None:
    """The zone of `Z`, `+01` or `+01:00`; None without one."""
    if not offset:
        return None
    sign, digits = (-1 if offset.startswith("-") else 1), re.sub(r"\D", "", offset).ljust(4, "0")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
