"""Computes the instant of a request from the dates that a format logs (milliseconds since 1970).

The right date is the start of the request (`%tr` `%trl` `%trg`, `request_date`). The time when HAProxy accepted the
connection, or began to wait for this request (`%Ts` `%ms` `%t` `%T`), is seconds earlier on a kept-alive connection. It
is used only if nothing better is logged, and to find the zone of a `%tr` without one.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import polars as pl

from metrics_lake.sources.haproxy.clock import SECONDS, naive_ms

_QUARTER = 15 * 60_000
_SLACK = 60_000  # a request may seem to start before it was accepted, by rounding or a step of the clock
_FURTHEST_ZONE = 14 * 3_600_000


def _zoned_ms(stamp: pl.Expr) -> pl.Expr:
    """`dd/Mon/yyyy:hh:mm:ss +hhmm`, in whole seconds of UTC."""
    seconds = stamp.str.slice(0, 20).str.to_datetime(SECONDS, strict=False, cache=True)
    hours, minutes = (stamp.str.slice(at, 2).cast(pl.Int64, strict=False) for at in (22, 24))
    east = (hours * 60 + minutes) * 60_000
    return seconds.dt.epoch("ms") - pl.when(stamp.str.slice(21, 1) == "-").then(-east).otherwise(east)


def _epoch_ms(column: str) -> pl.Expr:
    """Seconds, milliseconds or microseconds since 1970; the size of the number decides which."""
    number = pl.col(column).cast(pl.Int64, strict=False)
    large = pl.when(number < 10**14).then(number).otherwise(number // 1000)
    return pl.when(number < 10**11).then(number * 1000).otherwise(large)


def instant(columns: AbstractSet[str]) -> dict[str, pl.Expr]:
    """`accepted_ms` and `is_utc` from the best date of a format. Without `is_utc`, the time is local."""
    if "request_epoch" in columns:
        return {"accepted_ms": _epoch_ms("request_epoch"), "is_utc": pl.lit(True)}
    local = naive_ms(pl.col("request_local"))
    if "request_zoned" in columns:
        fraction = local % 1000 if "request_local" in columns else pl.lit(0)
        return {"accepted_ms": _zoned_ms(pl.col("request_zoned")) + fraction, "is_utc": pl.lit(True)}
    accepted = _accepted(columns)
    if "request_local" not in columns:
        when, is_utc = accepted if accepted is not None else (naive_ms(pl.col("accept_local")), False)
        return {"accepted_ms": when + _since_accept(columns), "is_utc": pl.lit(is_utc)}
    if accepted is None:
        return {"accepted_ms": local, "is_utc": pl.lit(False)}
    east = (local - accepted[0] + _SLACK).floordiv(_QUARTER) * _QUARTER
    is_zone = (east.abs() <= _FURTHEST_ZONE).fill_null(False)
    return {"accepted_ms": pl.when(is_zone).then(local - east).otherwise(local), "is_utc": is_zone}


def _accepted(columns: AbstractSet[str]) -> tuple[pl.Expr, bool] | None:
    """The time of acceptance in UTC, if the format logs it."""
    milliseconds = pl.col("accept_ms").cast(pl.Int64, strict=False) if "accept_ms" in columns else pl.lit(0)
    if "accept_epoch" in columns:
        whole = _epoch_ms("accept_epoch")
        return whole + pl.when(whole % 1000 == 0).then(milliseconds).otherwise(0), True
    if "accept_zoned" in columns:
        return _zoned_ms(pl.col("accept_zoned")) + milliseconds, True
    return None


def _since_accept(columns: AbstractSet[str]) -> pl.Expr:
    """The time from acceptance to the start of the line's duration (HAProxy's manual, 8.4: Tt = Th + Ti + Ta)."""
    parts = {"active": ("handshake", "idle"), "user_total": ("idle",)}
    counted = next((parts[name] for name in ("active", "user_total") if name in columns), ())
    waits = [pl.col(name).cast(pl.Int64, strict=False) for name in counted if name in columns]
    return pl.sum_horizontal(pl.lit(0), *(pl.when(wait > 0).then(wait).otherwise(0) for wait in waits))
