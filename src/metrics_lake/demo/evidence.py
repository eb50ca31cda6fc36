"""The sessions that the written requests prove: first request to end of the last piece (definitions.md section 2)."""

from __future__ import annotations

import numpy as np
import polars as pl

from metrics_lake.demo.people import STREAMS
from metrics_lake.demo.truth import Session

NEVER = np.iinfo(np.int64).max


class Evidence:
    """Grows with every file that is written; `sessions` are the plan's."""

    def __init__(self, sessions: pl.DataFrame) -> None:
        self._planned = sessions
        self._started_ms = np.full(len(sessions), NEVER)
        self._ended_ms = np.full(len(sessions), -1)
        self._has_media = np.zeros(len(sessions), bool)

    def add(self, requests: pl.DataFrame) -> None:
        """A piece lasts as long as its answer; one of media for a segment longer."""
        session, is_media = requests["session_no"].to_numpy(), requests["media_no"].to_numpy() >= 0
        extension = np.where(is_media, self._planned["step_ms"].to_numpy()[session], 0)
        np.minimum.at(self._started_ms, session, requests["accepted_ms"].to_numpy())
        np.maximum.at(self._ended_ms, session, requests["ended_ms"].to_numpy() + extension)
        self._has_media[session[is_media]] = True

    def sessions(self) -> list[Session]:
        """Those that left a line, in the order of the plan; playlists alone are `no_media`."""
        sessions = self._planned.select(
            "stream_no",
            "listener_no",
            pl.Series("started_ms", self._started_ms),
            pl.Series("ended_ms", self._ended_ms),
            pl.coalesce("exclusion", pl.when(~pl.Series(self._has_media)).then(pl.lit("no_media"))).alias("exclusion"),
        ).filter(pl.col("started_ms") != NEVER)
        return [Session(STREAMS[no][0].key, STREAMS[no][1].name, *rest) for no, *rest in sessions.iter_rows()]
