"""What a table and a view of it are. No Spark here, so that light processes can read the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

_COLUMN = re.compile(
    r"^(?P<name>\w+)\s+(?P<type>[A-Z][\w<>,: ]*?)(?P<required>\s+NOT NULL)?\s+COMMENT\s+'(?P<comment>[^']+)'$"
)


class TableError(ValueError):
    """A table is declared in a way that can't be read; the message names table and line."""


@dataclass(frozen=True)
class Column:
    """One column: Spark SQL type, whether a row may lack it, and what it means, unit included."""

    name: str
    type: str
    required: bool
    comment: str


@dataclass(frozen=True)
class Table:
    """A Delta table, declared beside the code that fills it.

    `columns` is one line a column, `name TYPE [NOT NULL] COMMENT 'meaning and unit'`.
    `pruned_by` are columns of which the log has the least and greatest value of each file (beside the partition's), so that
    reads leave files out. `keep` is how long rows are kept, counted from the day they speak of; None keeps them for good.
    """

    name: str
    columns: str
    partitioned_by: tuple[str, ...] = ()
    keep: timedelta | None = None
    pruned_by: tuple[str, ...] = ()

    @cached_property
    def fields(self) -> tuple[Column, ...]:
        lines = (line.strip().rstrip(",") for line in self.columns.strip().splitlines())
        return tuple(self._column(line) for line in lines if line)

    def _column(self, line: str) -> Column:
        parsed = _COLUMN.match(line)
        if parsed is None:
            raise TableError(f"{self.name}: not a column: {line!r}")
        return Column(parsed["name"], parsed["type"], parsed["required"] is not None, parsed["comment"])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.fields)

    @property
    def path(self) -> str:
        """Where the table lies below `storage.lake`: `<layer>/<name>`."""
        return self.name.replace(".", "/")

    @property
    def properties(self) -> dict[str, str]:
        """The properties that the table is created with; without `pruned_by` its log has statistics of every column."""
        return {"delta.dataSkippingStatsColumns": ",".join(self.pruned_by)} if self.pruned_by else {}

    @property
    def ddl(self) -> str:
        """The columns as Spark's schema text, comments and nullability included."""
        return ", ".join(
            f"{c.name} {c.type}{' NOT NULL' if c.required else ''} COMMENT '{c.comment}'" for c in self.fields
        )


@dataclass(frozen=True)
class View:
    """One kind of row of a table, under a name of its own; `columns` are those that this kind fills.

    Rows with a count that people read as a sum over files are `summed_by` these columns where they are shown.
    """

    name: str
    table: Table
    kind: str
    columns: tuple[str, ...]
    summed_by: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[Column, ...]:
        return tuple(column for column in self.table.fields if column.name in self.columns)


def in_days(column: str, days: Iterable[date]) -> str:
    """A condition that holds on just these days; on none of none."""
    return f"{column} IN ({', '.join(f'DATE{day.isoformat()!r}' for day in days) or 'NULL'})"
