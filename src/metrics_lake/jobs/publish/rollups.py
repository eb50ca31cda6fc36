"""Writes one tenant's rollups where they differ from those in storage, and removes those of periods without figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from metrics_lake.config.settings import contract
from metrics_lake.io.storage.blobs import Blobs
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.publish import app_documents, index
from metrics_lake.model.periods import Period
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.json_text import encoded
from metrics_lake.serve.rollup import rollup
from metrics_lake.serve.rollup.gold_rows import GoldRows
from metrics_lake.serve.rollup.section import RollupContext
from metrics_lake.serve.sums import Row
from metrics_lake.sources.lookups.bots import rules_version


@dataclass(frozen=True)
class Published:
    """How many rollups were written, and how many needed no change."""

    written: int = 0
    unchanged: int = 0

    def __add__(self, other: Published) -> Published:
        return Published(self.written + other.written, self.unchanged + other.unchanged)


@dataclass
class TenantRollups:
    """One tenant's rollups. `index_rows` collects by path what the index says of each rollup that was compared."""

    blobs: Blobs
    context: RollupContext
    gold: GoldRows
    data_status: DataStatus
    now: Callable[[], datetime]
    published: Published = Published()
    index_rows: dict[str, Row] = field(default_factory=dict)

    def write(self, periods: Sequence[Period]) -> None:
        """Writes the rollups of these periods, of every stream."""
        empty: list[str] = []
        for stream in self.gold.streams(self.context.tenant):
            for period in periods:
                path = rollup.path(self.context.tenant, stream, period)
                if self.gold.has_listening(self.context.tenant, stream, period):
                    self._write(path, rollup.rollup(self.context, stream, period, self.gold, self.data_status))
                elif path in self._paths:
                    empty.append(path)
        index.remove(self.blobs, self.context.tenant, empty)

    def _write(self, path: str, rendered: Row) -> None:
        content = self.blobs.read(path)
        old = index.parsed(content)  # a torn one is written anew
        new = rollup.revised(rendered, old, self.now(), 0 if old else self._last_revisions.get(path, 0))
        self.published += Published(written=1) if new else Published(unchanged=1)
        if new:
            content = encoded(new)
            self.blobs.write(path, content)
        self.index_rows[path] = index.row(path, new or old or {}, content or b"")

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(index.blobs_of(self.blobs, self.context.tenant))

    @cached_property
    def _last_revisions(self) -> dict[str, int]:
        return index.revisions(self.blobs, self.context.tenant)


def context_of(work: JobContext, tenant: str, periods: Sequence[Period]) -> RollupContext:
    """What the rollups of a tenant have in common."""
    settings, config = work.settings, work.tenants.tenants[tenant]
    return RollupContext(
        tenant,
        config.calendar,
        contract(settings, config, rules_version()),
        settings.sessions.length_edges_minutes,
        config.apps,
        app_documents.of_periods(work, tenant, periods),
    )
