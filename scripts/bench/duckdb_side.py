"""The DuckDB side: two SQL scripts over the same files, to the same outputs.

duckdb_side.py OUT KEY=VALUE …  (settings)

Tables go to OUT as Parquet, rollups and documents where the settings say. From the product it takes what any hand-
written job would take from a library: calendars, the names of players, and how the published JSON is written. A
listener is an HMAC-SHA256 of address and agent here too, under a key of its own for each tenant.
"""

from __future__ import annotations

import secrets
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from string import Template

import duckdb
import duckdb_calendar as calendar_of
import polars as pl
from duckdb_publish import publish
from steps import Steps

from metrics_lake.config import settings as settings_of
from metrics_lake.config.settings import Settings
from metrics_lake.config.tenants import Stream, Tenants
from metrics_lake.model.periods import Period
from metrics_lake.sources.haproxy.listeners import unescaped
from metrics_lake.sources.lookups import user_agents

THREADS, MEMORY = 2, "4GB"
SCRIPTS = ("duckdb_sessions.sql", "duckdb_figures.sql")
TABLES = (
    "sessions", "minutes", "listening_by_hour", "listening_by_day", "session_lengths_by_day", "dimensions_by_day",
    "listeners_by_day", "listening_by_period", "dimensions_by_period",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Job:
    """The script's parts by name, run on one connection."""

    def __init__(self, settings: Settings, tenants: Tenants, out: Path) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": THREADS,
            "memory_limit": MEMORY,
            "temp_directory": str(out / "spill"),
        }
        self.connection = duckdb.connect(config=config)
        self.connection.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
        in_hour = (f"count(*) FILTER (hours & {1 << hour} <> 0)" for hour in range(24))
        words = {
            "landing": settings.storage.landing,
            "gap_ms": round(settings.sessions.gap_seconds * 1000),
            "long_gap_ms": round(settings.sessions.long_connection_gap_seconds * 1000),
            "minimum_group": settings.privacy.minimum_group,
            "unique_by_hour": ", ".join(in_hour),
        }
        text = "".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in SCRIPTS)
        parts = (part.partition("\n") for part in Template(text).substitute(words).split("-- part: ")[1:])
        self._parts = {name: body for name, _, body in parts}
        self.tenants = tenants

    def run(self, part: str) -> None:
        self.connection.execute(self._parts[part])

    def put(self, name: str, frame: pl.DataFrame) -> None:
        self.connection.register("incoming", frame.to_arrow())
        self.connection.execute(f"CREATE TABLE {name} AS FROM incoming")
        self.connection.unregister("incoming")

    def span(self, query: str) -> tuple[datetime, datetime]:
        first_ms, last_ms = self.connection.execute(query).fetchall()[0]
        return _EPOCH + timedelta(milliseconds=first_ms), _EPOCH + timedelta(milliseconds=last_ms)


def prepare(job: Job, settings: Settings) -> None:
    """Streams, keys and edges, and the macro that tells a request's stream."""
    streams = [(t, s, stream) for t, tenant in job.tenants.tenants.items() for s, stream in tenant.streams.items()]
    rows = [
        (number, tenant, name, stream.protocol, stream.protocol == "hls", round(stream.segment_seconds * 1000))
        for number, (tenant, name, stream) in enumerate(streams)
    ]
    columns = ["stream_no", "tenant", "stream", "protocol", "is_hls", "segment_ms"]
    table = pl.DataFrame(rows, schema=columns, orient="row").cast({"stream_no": pl.Int32})
    job.put("streams", table)
    cases = " ".join(f"WHEN {_matches(stream)} THEN {number}" for number, (_, _, stream) in enumerate(streams))
    job.connection.execute(f"CREATE MACRO stream_of(frontend, host, path) AS CASE {cases} END")
    job.put("length_edges", pl.DataFrame({"at_least_minutes": settings.sessions.length_edges_minutes}))
    keys = [(tenant, *_pads(secrets.token_bytes(32))) for tenant in job.tenants.tenants]
    job.put("tenant_keys", pl.DataFrame(keys, schema=["tenant", "inner_pad", "outer_pad"], orient="row"))


def _pads(key: bytes) -> tuple[bytes, bytes]:
    """What HMAC puts before the message and before the inner hash (RFC 2104)."""
    whole = key.ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in whole), bytes(byte ^ 0x5C for byte in whole)


def _matches(stream: Stream) -> str:
    fields = {"frontend": stream.match.frontend, "host": stream.match.host, "path": stream.match.path}
    return " AND ".join(f"({' OR '.join(_fits(field, g) for g in globs)})" for field, globs in fields.items() if globs)


def _fits(field: str, glob: str) -> str:
    stem = glob.removesuffix("*")
    if any(sign in stem for sign in "*?["):
        return f"{field} GLOB '{glob}'"
    return f"starts_with({field}, '{stem}')" if stem != glob else f"{field} = '{glob}'"


def ingest(job: Job) -> None:
    job.run("ingest")
    raw = [text for (text,) in job.connection.execute("SELECT DISTINCT agent FROM requests").fetchall()]
    known = ["" if (text := unescaped(agent).strip()) in user_agents.NO_VALUES else text for agent in raw]
    described = user_agents.describe(known)
    job.put("agents", described.with_columns(raw=pl.Series(raw, dtype=pl.String)))
    job.run("listeners")


def compute(job: Job, out: Path) -> tuple[datetime, dict[str, list[Period]]]:
    """Every figure; tells how far the logs reach, and each tenant's periods."""
    calendars = {name: tenant.calendar for name, tenant in job.tenants.tenants.items()}
    first, last = job.span("SELECT min(started_ms), max(coalesce(ended_ms, last_request_ms)) FROM sessions")
    job.put("hours", calendar_of.hours(calendars, first, last))
    for part in ("minutes", "days and hours", "lengths and dimensions"):
        job.run(part)
    _, last_logged = job.span("SELECT min(logged_ms), max(logged_ms) FROM requests")
    through = last_logged.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)  # the last file's hour ends
    days = job.connection.execute("SELECT DISTINCT tenant, listened_on FROM listening_by_day ORDER BY ALL").fetchall()
    periods = {
        tenant: calendar_of.periods(calendar, [on for name, on in days if name == tenant], through)
        for tenant, calendar in calendars.items()
        if any(name == tenant for name, _ in days)
    }
    job.put("periods", calendar_of.table(periods))
    job.run("periods")
    for table in TABLES:
        job.connection.execute(f"COPY {table} TO '{out}/{table}.parquet' (FORMAT parquet, COMPRESSION zstd)")
    return through, periods


def main(out: Path, overrides: list[str]) -> None:
    steps = Steps()
    settings = settings_of.load(overrides=overrides)
    job = Job(settings, settings_of.load_tenants(settings), out)
    steps.ready()
    with steps.step("ingest"):
        prepare(job, settings)
        ingest(job)
    with steps.step("refine"):
        job.run("sessions")
    with steps.step("compute"):
        through, periods = compute(job, out)
    with steps.step("publish"):
        steps.facts["documents"] = publish(job.connection, settings, job.tenants, through, periods)
    job.connection.close()
    steps.tell()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
