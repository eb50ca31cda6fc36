"""What a section of the rollup JSON declares, and what it is rendered from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from metrics_lake.config.tenants import App
from metrics_lake.model.periods import Calendar, Period
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.rollup.gold_rows import GoldRows
from metrics_lake.serve.sums import Row


@dataclass(frozen=True)
class RollupContext:
    """The tenant of a rollup: its clock, the contract that its numbers follow, and its apps.

    `download_documents` gives the documents of its apps' downloads that lie in a period.
    """

    tenant: str
    calendar: Calendar
    contract: Mapping[str, Any]
    edges_minutes: Sequence[int]
    apps: Sequence[App] = ()
    download_documents: Callable[[Period], Sequence[Row]] = lambda period: ()

    def local(self, instant: datetime | None) -> str | None:
        """An instant as text, on the tenant's clock."""
        return instant.astimezone(ZoneInfo(self.calendar.timezone)).isoformat() if instant else None


@dataclass(frozen=True)
class RollupInput:
    """What one rollup is rendered from: the figures of one stream and period, and how complete they are."""

    context: RollupContext
    stream: str
    period: Period
    gold: GoldRows
    data_status: DataStatus
    _rows: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table of gold that lie in the period, day by day."""
        if table not in self._rows:
            self._rows[table] = self.gold.of_period(table, self.context.tenant, self.stream, self.period)
        return self._rows[table]


@dataclass(frozen=True)
class Section:
    """One member of the rollup JSON. A module of this folder that has a `SECTION` is part of every rollup.

    `reads` names the tables of gold and their columns; publish reads these and no others. A table's tenant, stream, and day
    or period need no mention. `render` gives the section, or None where this rollup has none (then `is_optional`). `schema`
    is its JSON Schema. Sections stand in the order of `place`.
    """

    name: str
    reads: Mapping[str, tuple[str, ...]]
    render: Callable[[RollupInput], Any]
    schema: Mapping[str, Any]
    place: int = 100
    is_optional: bool = False
