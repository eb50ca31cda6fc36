"""Warnings about store reports that were read but don't count: in quarantine, or about apps that no tenant has."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from metrics_lake.bronze.store_reports import FILES
from metrics_lake.cli.output.consoles import write_line
from metrics_lake.cli.output.table_output import rows_of
from metrics_lake.sources.landed_file import QUARANTINED


def write(lake: str, count: int, console: Console) -> None:
    """Prints a line for each of the `count` newest reports that has a problem."""
    for line in _lines(lake, count) if count else ():
        write_line(console, line)


def _lines(lake: str, count: int) -> Iterator[str]:
    for row in rows_of(lake, FILES, count).iter_rows(named=True):
        if row["unknown_columns"]:
            yield f"{row['path']}: columns that nothing reads: {row['unknown_columns']}; its other columns count as ever"
        if row["status"] == QUARANTINED:
            reason = str(row["reason"]).replace("_", " ")
            yield f"{row['path']}: put aside as a whole ({reason}); it counts once it is mended or fetched again"
        elif row["unclaimed_count"] and not row["accepted_count"]:
            yield f"{row['path']}: no tenant names any app of it; it counts once one does, under `apps` of the tenants file"
        if row["reject_count"]:
            yield f"{row['path']}: {row['reject_count']} rows can't be read; see `show bronze.store_rejects`"
        if row["doubled_count"]:
            yield f"{row['path']}: {row['doubled_count']} rows repeat another word for word; each counts once"
        if row["is_unended"]:
            yield f"{row['path']}: its last line has no line end; it was read as it stands: if the file was cut, fetch it again"
