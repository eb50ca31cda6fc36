"""The DuckDB job's rows into rollup JSON, index and documents, by the product's own writers: there both do the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone

import duckdb

from metrics_lake.config.settings import Settings
from metrics_lake.config.tenants import Tenants
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.io.storage.blobs import Blobs, FolderBlobs
from metrics_lake.model.periods import Period
from metrics_lake.serve import listening
from metrics_lake.serve.rollup import rollup
from metrics_lake.serve.rollup.rows import Figures, Row

_CONTRACT = {"version": 1, "bot_rules": "three patterns of this job", "key_rotation": "never"}


def publish(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    tenants: Tenants,
    through: datetime,
    periods: Mapping[str, list[Period]],
) -> int:
    """Writes everything anew; returns how many rollups."""
    data_status = rollup.DataStatus(through, timedelta(hours=settings.publish.restatement_hours))
    figures = _figures(connection)
    blobs, now = FolderBlobs(settings.storage.rollups), datetime.now(timezone.utc)
    written = 0
    for tenant, named in periods.items():
        context = _shelf(settings, tenants, tenant)
        index = [
            _written(blobs, context, stream, period, figures, data_status, now)
            for stream in figures.streams(tenant)
            for period in named
            if any(period.first_on <= on < period.end_on for on in figures.days[tenant, stream])
        ]
        blobs.write(f"{tenant}/index.json", rollup.encoded({"tenant": tenant, "rollups": index}))
        written += len(index)
    documents = list(_documents(tenants, figures, data_status))
    SqliteDocuments(settings.documents.path).upsert(listening.CONTAINER, documents)
    return written


def _shelf(settings: Settings, tenants: Tenants, tenant: str) -> rollup.RollupContext:
    config, edges = tenants.tenants[tenant], settings.sessions.length_edges_minutes
    return rollup.RollupContext(tenant, config.calendar, _CONTRACT, edges)


def _figures(connection: duckdb.DuckDBPyConnection) -> Figures:
    def rows(query: str) -> list[Row]:
        found: list[Row] = connection.sql(query).to_arrow_table().to_pylist()
        return found

    figures = Figures()
    figures.add_days(rows("SELECT *, NULL AS unique_sketch FROM listening_by_day"))
    figures.add_hours(rows("SELECT *, NULL AS unique_sketch FROM listening_by_hour"))
    figures.add_lengths(rows("FROM session_lengths_by_day"))
    figures.add_periods(rows("FROM listening_by_period"))
    figures.add_dimensions(rows("FROM dimensions_by_period"))
    return figures


def _written(
    blobs: Blobs,
    context: rollup.RollupContext,
    stream: str,
    period: Period,
    figures: Figures,
    data_status: rollup.DataStatus,
    now: datetime,
) -> Row:
    path = rollup.path(context.tenant, stream, period)
    document = rollup.revised(rollup.rollup(context, stream, period, figures, data_status), None, now)
    assert document is not None
    content = rollup.encoded(document)
    blobs.write(path, content)
    return {"path": path, "kind": period.kind, "name": period.name, "size": len(content), "status": document["status"]}


def _documents(tenants: Tenants, figures: Figures, data_status: rollup.DataStatus) -> Iterable[Row]:
    for (tenant, _), by_day in figures.days.items():
        calendar = tenants.tenants[tenant].calendar
        for row in by_day.values():
            yield {**listening.day_document(tenant, row, calendar, data_status), "revision": 1}
    for (tenant, _), hours in figures.hours.items():
        for rows in hours.values():
            for row in rows:
                yield {**listening.hour_document(tenant, row, data_status), "revision": 1}
