"""Reads from gold what the rollups of some periods are rendered from: the tables and columns that their sections declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl

from metrics_lake import catalog
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish.stale import streams_of
from metrics_lake.model.periods import Period
from metrics_lake.model.tables import Table
from metrics_lake.serve.rollup.gold_rows import DAY, PERIOD, GoldRows
from metrics_lake.serve.rollup.sections import columns_read


class RollupInputs:
    """The rows of all tenants, read once. They become Python's rows for one tenant at a time."""

    def __init__(self, work: JobContext, periods: Mapping[str, Sequence[Period]]) -> None:
        self._work = work
        every_period = [period for of_tenant in periods.values() for period in of_tenant]
        tables = {table.name: table for table in catalog.stored()}
        self._frames = {
            name: _read(work, tables[name], columns, every_period) for name, columns in columns_read().items()
        }

    def of_tenant(self, tenant: str) -> GoldRows:
        """One tenant's rows, of the streams that are published.

        As Python's they take ten times the memory of a frame, so others must not exist meanwhile.
        """
        gold, is_published = GoldRows(), pl.col("stream").is_in(streams_of(self._work, tenant))
        for table, frame in self._frames.items():
            gold.add(table, frame.filter(is_published, tenant=tenant).to_dicts())
        return gold


def _read(work: JobContext, table: Table, columns: Iterable[str], periods: Sequence[Period]) -> pl.DataFrame:
    """A table's rows of the days or names of these periods."""
    if DAY in table.names:
        keys: tuple[str, ...] = (DAY,)
        where = pl.col(DAY) >= min((period.first_on for period in periods), default=date.max)
    else:
        keys = PERIOD
        where = pl.col("name").is_in(sorted({period.name for period in periods}))
    names = dict.fromkeys(("tenant", "stream", *keys, *columns))
    return work.delta_tables.frame(table, where, list(names))
