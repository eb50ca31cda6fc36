"""Warnings about files that don't count: in quarantine, put off, or reports with a problem, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rich.console import Console

from metrics_lake.bronze.store_reports import FILES
from metrics_lake.cli.output.consoles import write_line
from metrics_lake.cli.output.table_output import rows_of
from metrics_lake.jobs.ingest import Ingested
from metrics_lake.sources.quarantine_reasons import explained

_MOST = 20  # lines of one kind


def write(lake: str, count: int, console: Console) -> None:
    """Prints a line for each of the `count` newest reports that has a problem."""
    for line in _lines(lake, count) if count else ():
        write_line(console, line)


def write_unread(ingested: Iterable[Ingested], console: Console) -> None:
    """Prints a line for each file that was quarantined or put off."""
    for done in ingested:
        for line in (
            *_named(done.quarantined, "put aside as a whole", "see `show bronze.files` and `show bronze.store_files`"),
            *_named(done.put_off, "put off, and missing until a run can read it", "see `doctor`"),
        ):
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def _named(reasons: Mapping[str, str], consequence: str, more: str) -> Iterator[str]:
    for path, reason in list(reasons.items())[:_MOST]:
        yield f"{path}: {consequence} ({explained(reason)})"
    if len(reasons) > _MOST:
        yield f"and {len(reasons) - _MOST} more files {consequence}: {more}"


def _lines(lake: str, count: int) -> Iterator[str]:
    for row in rows_of(lake, FILES, count).iter_rows(named=True):
        if row["unknown_columns"]:
            yield f"{row['path']}: columns that nothing reads: {row['unknown_columns']}; its other columns count as ever"
        if row["unclaimed_count"] and not row["accepted_count"]:
            yield f"{row['path']}: no tenant names any app of it; it counts once one does, under `apps` of the tenants file"
        if row["reject_count"]:
            yield f"{row['path']}: {row['reject_count']} rows can't be read; see `show bronze.store_rejects`"
        if row["doubled_count"]:
            yield f"{row['path']}: {row['doubled_count']} rows repeat another word for word; each counts once"
        if row["is_unended"]:
            yield f"{row['path']}: its last line has no line end; it was read as it stands: if the file was cut, fetch it again"
