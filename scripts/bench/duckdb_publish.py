"""The DuckDB job's rows into rollup JSON, index and documents, by the product's own writers: there both do the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone

import duckdb

from metrics_lake.config.settings import Settings
from metrics_lake.config.tenants import Tenants
from metrics_lake.coverage.covered import Covered
from metrics_lake.coverage.hours import hour_of
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.io.storage.blobs import Blobs, FolderBlobs
from metrics_lake.model.periods import Period
from metrics_lake.serve import json_text, listening
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.rollup import rollup
from metrics_lake.serve.rollup.gold_rows import LISTENING_BY_DAY, LISTENING_BY_HOUR, GoldRows
from metrics_lake.serve.rollup.section import RollupContext
from metrics_lake.serve.sums import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_OUTSIDE = """
    SELECT stream, minute_ms, listening_ms FROM minutes
    WHERE tenant = $1 AND listening_ms > 0 AND (minute_ms < $2 OR minute_ms >= $3) ORDER BY ALL
"""
_CONTRACT = {"version": 1, "bot_rules": "three patterns of this job", "key_rotation": "never"}


def publish(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    tenants: Tenants,
    through: datetime,
    periods: Mapping[str, list[Period]],
) -> int:
    """Writes everything anew; returns how many rollups."""
    restatement = timedelta(hours=settings.publish.restatement_hours)
    data_status = DataStatus(through, restatement, known=_covered(connection, through))
    figures = _figures(connection)
    blobs, now = FolderBlobs(settings.storage.rollups), datetime.now(timezone.utc)
    written = 0
    for tenant, named in periods.items():
        context = _context(settings, tenants, tenant)
        index = [
            _written(blobs, context, stream, period, figures, data_status, now)
            for stream in figures.streams(tenant)
            for period in named
            if figures.has_listening(tenant, stream, period)
        ]
        blobs.write(f"{tenant}/index.json", json_text.encoded({"tenant": tenant, "rollups": index}))
        written += len(index)
    documents = list(_documents(tenants, figures, data_status))
    SqliteDocuments(settings.documents.path).upsert(listening.CONTAINER, documents)
    return written


def _covered(connection: duckdb.DuckDBPyConnection, through: datetime) -> dict[str, Covered]:
    """By tenant what is covered: the corpus has no gap, so all from the hour of its first line to the last file's end."""
    first_lines = connection.sql(
        "SELECT tenant, min(logged_ms) FROM requests JOIN streams USING (stream_no) GROUP BY tenant"
    )
    spans = {
        tenant: (hour_of(_EPOCH + timedelta(milliseconds=first)), through) for tenant, first in first_lines.fetchall()
    }
    outside: dict[str, dict[str, list[tuple[datetime, float]]]] = {tenant: {} for tenant in spans}
    for tenant, (start, end) in spans.items():
        edges = [round(edge.timestamp() * 1000) for edge in (start, end)]
        minutes = connection.execute(_OUTSIDE, [tenant, *edges]).fetchall()
        for stream, minute_ms, listening_ms in minutes:
            piece = (_EPOCH + timedelta(milliseconds=minute_ms), listening_ms / 1000)
            outside[tenant].setdefault(stream, []).append(piece)
    return {
        tenant: Covered((span,), {stream: tuple(pieces) for stream, pieces in outside[tenant].items()})
        for tenant, span in spans.items()
    }


def _context(settings: Settings, tenants: Tenants, tenant: str) -> RollupContext:
    config, edges = tenants.tenants[tenant], settings.sessions.length_edges_minutes
    return RollupContext(tenant, config.calendar, _CONTRACT, edges)


def _figures(connection: duckdb.DuckDBPyConnection) -> GoldRows:
    def rows(query: str) -> list[Row]:
        result: list[Row] = connection.sql(query).to_arrow_table().to_pylist()
        return result

    figures = GoldRows()
    figures.add(LISTENING_BY_DAY, rows("SELECT *, NULL AS unique_sketch FROM listening_by_day"))
    figures.add(LISTENING_BY_HOUR, rows("SELECT *, NULL AS unique_sketch FROM listening_by_hour"))
    for name in ("session_lengths_by_day", "listening_by_period", "dimensions_by_period"):
        figures.add(f"gold.{name}", rows(f"FROM {name}"))
    return figures


def _written(
    blobs: Blobs,
    context: RollupContext,
    stream: str,
    period: Period,
    figures: GoldRows,
    data_status: DataStatus,
    now: datetime,
) -> Row:
    path = rollup.path(context.tenant, stream, period)
    document = rollup.revised(rollup.rollup(context, stream, period, figures, data_status), None, now)
    assert document is not None
    content = json_text.encoded(document)
    blobs.write(path, content)
    return {"path": path, "kind": period.kind, "name": period.name, "size": len(content), "status": document["status"]}


def _documents(tenants: Tenants, figures: GoldRows, data_status: DataStatus) -> Iterable[Row]:
    for tenant, config in tenants.tenants.items():
        for stream in figures.streams(tenant):
            every_day = Period(
                "all", "all", date.min, date.max, data_status.complete_through, data_status.complete_through
            )
            for row in figures.of_period(LISTENING_BY_DAY, tenant, stream, every_day):
                yield {**listening.day_document(tenant, row, config.calendar, data_status), "revision": 1}
            for row in figures.of_period(LISTENING_BY_HOUR, tenant, stream, every_day):
                yield {**listening.hour_document(tenant, row, data_status), "revision": 1}
