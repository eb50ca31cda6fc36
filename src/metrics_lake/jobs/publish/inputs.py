"""The rows of gold that rollups are made of, as far back as their periods reach, and of those only what a rollup shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from metrics_lake.gold import (
    dimensions_by_period,
    listening_by_day,
    listening_by_hour,
    listening_by_period,
    session_lengths_by_day,
)
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.periods import Period
from metrics_lake.model.tables import Table
from metrics_lake.serve.rollup.rows import Figures, Row

_KEY = ("tenant", "stream")
_OF_DAY = tuple(name for name in listening_by_day.TABLE.names if name != "unique_sketch")
_OF_HOUR = (
    *_KEY, "listened_on", "hour_at", "hour_of_day", "sessions_started", "sessions_completed", "sessions_active", "again",
    "listening_seconds", "unique_listeners", "peak_listeners",
)  # fmt: skip
_OF_PERIOD = (*_KEY, "kind", "name", "unique_listeners", "unique_by_hour")
_OF_VALUE = tuple(name for name in dimensions_by_period.TABLE.names if name != "unique_sketch")


class Reach:
    """What all these periods are made of: read once for all tenants, made into Python's rows for one at a time."""

    def __init__(self, work: JobContext, periods: Mapping[str, Sequence[Period]]) -> None:
        every = [period for named in periods.values() for period in named]
        in_reach = pl.col("listened_on") >= min((period.first_on for period in every), default=date.max)
        named = pl.col("name").is_in(sorted({period.name for period in every}))
        read = work.delta_tables.frame
        self._held = {
            listening_by_day.TABLE: read(listening_by_day.TABLE, in_reach, _OF_DAY),
            listening_by_hour.TABLE: read(listening_by_hour.TABLE, in_reach, _OF_HOUR),
            session_lengths_by_day.TABLE: read(session_lengths_by_day.TABLE, in_reach),
            listening_by_period.TABLE: read(listening_by_period.TABLE, named, _OF_PERIOD),
            dimensions_by_period.TABLE: read(dimensions_by_period.TABLE, named, _OF_VALUE),
        }

    def figures(self, tenant: str) -> Figures:
        """One tenant's rows: as Python's they take ten times the room, so no other's are made of them meanwhile."""
        figures = Figures()
        figures.add_days(self._rows(listening_by_day.TABLE, tenant))
        figures.add_hours(self._rows(listening_by_hour.TABLE, tenant))
        figures.add_lengths(self._rows(session_lengths_by_day.TABLE, tenant))
        figures.add_periods(self._rows(listening_by_period.TABLE, tenant))
        figures.add_dimensions(self._rows(dimensions_by_period.TABLE, tenant))
        return figures

    def _rows(self, table: Table, tenant: str) -> list[Row]:
        return self._held[table].filter(tenant=tenant).to_dicts()
