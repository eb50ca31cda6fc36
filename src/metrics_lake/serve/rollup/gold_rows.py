"""The rows of gold that rollups are rendered from, by table, tenant, stream, and day or period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from metrics_lake.model.periods import Period
from metrics_lake.serve.sums import Row

LISTENING_BY_DAY = "gold.listening_by_day"
LISTENING_BY_HOUR = "gold.listening_by_hour"
LISTENING_BY_PERIOD = "gold.listening_by_period"
DAY, PERIOD = "listened_on", ("kind", "name")  # the columns that say which day or period a row describes

_Stream = tuple[str, str]  # tenant and stream


@dataclass
class GoldRows:
    """Rows of any tables of gold. A table has either a row for each day (column `listened_on`) or for each period."""

    _by_day: dict[str, dict[_Stream, dict[date, list[Row]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    )
    _by_period: dict[tuple[str, _Stream, str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))

    def add(self, table: str, rows: Iterable[Row]) -> None:
        """Adds rows of a table. Hours of a day are put in the order of time."""
        rows = list(rows)
        if rows and "hour_at" in rows[0]:
            rows.sort(key=lambda row: row["hour_at"])
        for row in rows:
            stream = row["tenant"], row["stream"]
            if DAY in row:
                self._by_day[table][stream][row[DAY]].append(row)
            else:
                self._by_period[table, stream, row["kind"], row["name"]].append(row)

    def of_period(self, table: str, tenant: str, stream: str, period: Period) -> list[Row]:
        """The rows of a stream that lie in a period, day by day, or those of the period itself."""
        by_day = self._by_day[table].get((tenant, stream), {}) if table in self._by_day else {}
        days = sorted(on for on in by_day if period.first_on <= on < period.end_on)
        rows = [row for on in days for row in by_day[on]]
        return rows + self._by_period.get((table, (tenant, stream), period.kind, period.name), [])

    def has_listening(self, tenant: str, stream: str, period: Period) -> bool:
        """Whether a period contains a day of a stream that has figures."""
        days: Iterable[date] = self._by_day[LISTENING_BY_DAY].get((tenant, stream), ())
        return any(period.first_on <= on < period.end_on for on in days)

    def streams(self, tenant: str) -> Sequence[str]:
        """The streams of a tenant that have figures of days."""
        return sorted(stream for name, stream in self._by_day[LISTENING_BY_DAY] if name == tenant)
