"""The requests of each planned session, hour by hour: those that HAProxy LOGGED in the hour, that is, that ended in it.

Every detail of a request is a hash of (session, piece), so an hour can be written without the hours before it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from metrics_lake.demo.traffic_plan import HOUR_MS, Ints, Plan, hashed

# No HLS answer ends later than this after its piece is due: 255 + 32 + 16 + 5 + 1495.
LATEST_MS = 2_000


def of_hour(plan: Plan, sessions: pl.DataFrame, hour_ms: int) -> pl.DataFrame:
    """Requests that ended within the hour from `hour_ms`: session_no, media_no (-1: a playlist), times, random bits."""
    requests = pl.concat([_hls(plan, sessions, hour_ms), _icecast(plan, sessions, hour_ms)])
    return requests.filter((pl.col("ended_ms") >= hour_ms) & (pl.col("ended_ms") < hour_ms + HOUR_MS))


def _hls(plan: Plan, sessions: pl.DataFrame, hour_ms: int) -> pl.DataFrame:
    """Playlist and segment of every piece due in the hour or just before it."""
    near = sessions.filter(
        (pl.col("step_ms") > 0)
        & (pl.col("starts_ms") < hour_ms + HOUR_MS)
        & (pl.col("starts_ms") + pl.col("length_ms") > hour_ms - LATEST_MS)
    )
    row, piece = _pieces(near, hour_ms)
    session, step = near["session_no"].to_numpy()[row].astype(np.int64), near["step_ms"].to_numpy()[row]
    due = near["starts_ms"].to_numpy()[row] + piece * step
    bits = hashed(session << 24 | piece << 1, plan.seed)
    playlist_at = due + np.where(piece == 0, 0, bits & 255)
    playlist_end = playlist_at + (bits >> 8 & 31) + 1
    media_at = playlist_end + (bits >> 13 & 15) + 1
    skewed = bits >> 17 & 1023
    media_end = media_at + skewed * skewed // 700 + 5
    has_media = near["has_media"].to_numpy()[row]
    playlists = _frame(session, np.full(len(row), -1), playlist_at, playlist_end, bits)
    media = _frame(session, due // np.maximum(step, 1), media_at, media_end, hashed(bits, plan.seed))
    return pl.concat([playlists, media.filter(pl.Series(has_media))])


def _pieces(near: pl.DataFrame, hour_ms: int) -> tuple[Ints, Ints]:
    """For every piece due from LATEST_MS before the hour to its end: the row of its session, and its number in it."""
    starts, steps, counts = (near[name].to_numpy() for name in ("starts_ms", "step_ms", "piece_count"))
    first = np.clip(-((starts - hour_ms + LATEST_MS) // steps), 0, counts)
    last = np.clip((hour_ms + HOUR_MS - starts) // steps + 1, 0, counts)
    many = np.maximum(last - first, 0)
    row = np.repeat(np.arange(len(near)), many)
    piece = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many) + first[row]
    return row, piece


def _icecast(plan: Plan, sessions: pl.DataFrame, hour_ms: int) -> pl.DataFrame:
    """One line at the end of each listen; those still on when the last file is cut leave none, as in real life."""
    ended_ms = pl.col("starts_ms") + pl.col("length_ms")
    ended = sessions.filter((pl.col("step_ms") == 0) & ended_ms.is_between(hour_ms, hour_ms + HOUR_MS, closed="left"))
    session = ended["session_no"].to_numpy().astype(np.int64)
    starts = ended["starts_ms"].to_numpy()
    bits = hashed(session << 24, plan.seed)
    return _frame(session, np.zeros(len(session), np.int64), starts, starts + ended["length_ms"].to_numpy(), bits)


def _frame(session: Ints, media_no: Ints, accepted: Ints, ended: Ints, bits: Ints) -> pl.DataFrame:
    columns = {"session_no": session, "media_no": media_no, "accepted_ms": accepted, "ended_ms": ended, "bits": bits}
    return pl.DataFrame({name: values.astype(np.int64) for name, values in columns.items()})
