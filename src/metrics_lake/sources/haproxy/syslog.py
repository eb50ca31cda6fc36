"""The timestamp of the syslog header, if it has a date with a year (RFC 5424, ISO 8601).

The log daemon writes it, by its own clock, when the request ends.
"""

from __future__ import annotations

import polars as pl

_STAMP = r"^(?:<\d+>)?(?:1 )?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,]\d+)? ?(?:Z|([+-])(\d\d):?(\d\d))?[ \t]"
_ZONED = r"^(?:<\d+>)?(?:1 )?[\d-]{10}[T ][\d:]{8}(?:[.,]\d+)? ?(?:Z|[+-]\d\d:?\d\d)[ \t]"
LONGEST = 64  # bytes of priority, version, stamp and offset


def written_ms(text: pl.Expr) -> pl.Expr:
    """When a line was written, in whole seconds. A timestamp without an offset is read as UTC. Null if there is none."""
    parts = text.str.head(LONGEST).str.extract_groups(_STAMP).struct
    wall = parts[0].str.replace("T", " ", literal=True).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, cache=True)
    hours, minutes = (parts[at].cast(pl.Int64, strict=False).fill_null(0) for at in (2, 3))
    east = (hours * 60 + minutes) * 60_000
    return wall.dt.epoch("ms") - pl.when(parts[1] == "-").then(-east).otherwise(east)


def names_zone(text: pl.Expr) -> pl.Expr:
    """Whether the timestamp in the header has an offset."""
    return text.str.head(LONGEST).str.contains(_ZONED).fill_null(False)
