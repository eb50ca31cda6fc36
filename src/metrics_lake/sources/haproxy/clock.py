"""Which instant a naive stamp is: HAProxy writes `%tr` in its host's zone and names no zone (field-notes.md, 1)."""

from __future__ import annotations

import polars as pl


def to_utc(requests: pl.DataFrame, zone: str) -> pl.DataFrame:
    """`accepted_ms` from milliseconds on the clock of `zone` to milliseconds since 1970, UTC; null where it can't be.

    In the hour that comes twice the earlier is taken; in the one that doesn't exist there is no instant.
    """
    if zone in ("UTC", "Etc/UTC"):
        return requests
    wall = pl.from_epoch(pl.col("accepted_ms"), time_unit="ms")
    instant = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return requests.with_columns(accepted_ms=instant.dt.epoch("ms"))
