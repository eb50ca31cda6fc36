"""One log without settings: its streams guessed, its sessions and figures worked out, in this process and without a trace.

Everything stays in memory: listeners are hashed under a random secret that ends with the process.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from metrics_lake.bronze.haproxy import TABLE
from metrics_lake.config.places import Places
from metrics_lake.config.settings import Haproxy, Privacy, Rules, Sessions, SettingsError
from metrics_lake.config.tenants import ALL_STREAMS, Stream, Tenant, Tenants
from metrics_lake.gold import listeners_by_minute
from metrics_lake.io.landing.byte_pieces import LandedFile
from metrics_lake.io.landing.loose_file import file_at, texts
from metrics_lake.jobs import partitions
from metrics_lake.model.arrow import arrow_schema, fitted, polars_schema
from metrics_lake.model.calendars import Calendars
from metrics_lake.privacy.hashing import Hasher
from metrics_lake.silver.merging import merged
from metrics_lake.silver.tenant_days import touched
from metrics_lake.sources.haproxy import log_lines, stream_guess
from metrics_lake.sources.haproxy.accounts import FILE
from metrics_lake.sources.haproxy.line_classes import read_lines
from metrics_lake.sources.haproxy.reading import REJECT, UNCLAIMED, VISIT, parse

TENANT = "station"
_TOP = 8


@dataclass(frozen=True)
class Look:
    """What a log holds. `sessions` are rows of silver.sessions, `minutes` of gold.listeners_by_minute."""

    streams: dict[str, Stream]
    timezone: str
    files: pl.DataFrame
    rejects: pl.DataFrame
    unclaimed: pl.DataFrame
    sessions: pl.DataFrame
    minutes: pl.DataFrame

    @property
    def counted(self) -> pl.DataFrame:
        """The sessions that are nobody's bot, monitor or mistake."""
        return self.sessions.filter(pl.col("exclusion").is_null())

    def top(self, dimension: str) -> list[tuple[str, int, float]]:
        """The commonest values of a column of sessions: value, sessions, hours."""
        hours = (pl.col("ended_at") - pl.col("started_at")).dt.total_milliseconds().fill_null(0).sum() / 3_600_000
        counts = self.counted.group_by(value=pl.col(dimension).fill_null("unknown")).agg(sessions=pl.len(), hours=hours)
        return counts.sort("sessions", "hours", "value", descending=[True, True, False]).head(_TOP).rows()

    def minutes_of(self, stream: str = ALL_STREAMS) -> pl.DataFrame:
        """The minutes of one stream in which anybody listened, in order."""
        return self.minutes.filter(pl.col("stream") == stream).sort("minute_at")


def look(paths: Sequence[Path], timezone: str = "UTC") -> Look:
    """Reads log files, packed or not, in the order given. `timezone` is the clock of stamps without a zone, and of the answer.

    Raises SettingsError where a file can't be read, or no line of them is a request.
    """
    files = [file_at(path) for path in paths]
    haproxy, sessions = Haproxy(timezone=timezone), Sessions()
    streams = _guess(files, haproxy)
    tenants = Tenants(tenants={TENANT: Tenant(name=TENANT, timezone=timezone, streams=streams)})
    rules = Rules(tenants=tenants, haproxy=haproxy, sessions=sessions, privacy=Privacy(), places=Places())
    rows = _rows(files, rules)
    built = merged(rows.filter(row_kind=VISIT, is_evidence=True), sessions)
    return Look(
        streams,
        timezone,
        rows.filter(row_kind=FILE),
        rows.filter(row_kind=REJECT),
        rows.filter(row_kind=UNCLAIMED),
        built,
        _minutes(built, Calendars({TENANT: tenants.tenants[TENANT].calendar}), sessions),
    )


def _guess(files: Sequence[LandedFile], haproxy: Haproxy) -> dict[str, Stream]:
    pieces = (lines for file in files for lines in log_lines.number_pieces(texts(file)))
    summaries = [stream_guess.summarise(read_lines(lines, haproxy).requests) for lines in pieces]
    if not sum(summary.height for summary in summaries):
        raise SettingsError(
            "no line is a request that HAProxy logged and answered; `metrics-lake formats detect FILE` says what it has"
        )
    return stream_guess.propose_streams(stream_guess.merge_summaries(summaries))


def _rows(files: Sequence[LandedFile], rules: Rules) -> pl.DataFrame:
    schema = arrow_schema(TABLE)
    frames = [pl.from_arrow(fitted(frame, schema)) for frame in parse(files, rules, Hasher(secrets.token_bytes(32)))]
    return pl.concat(frame for frame in frames if isinstance(frame, pl.DataFrame))


def _minutes(sessions: pl.DataFrame, calendars: Calendars, rules: Sessions) -> pl.DataFrame:
    table, days = listeners_by_minute.TABLE, sorted(touched(sessions, calendars.by_tenant))
    edges, metrics = rules.length_edges_minutes, [listeners_by_minute.METRIC]
    frames = partitions.by_day(sessions, metrics, calendars, days, edges) if days else {}
    return frames.get(table.name, pl.DataFrame(schema=polars_schema(table)))


def span(look_: Look) -> tuple[datetime, datetime] | None:
    """From the first to the last request that the files speak of; None where none has a time."""
    first, last = look_.files.select(pl.col("first_logged_at").min(), pl.col("last_logged_at").max()).row(0)
    return None if first is None else (first, last)
