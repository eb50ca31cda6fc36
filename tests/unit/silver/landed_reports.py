"""Reports of stores as they came, run by run, and what becomes of them: bronze, silver and gold without a lake."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from metrics_lake.bronze.store_reports import FEED, TABLE
from metrics_lake.gold import downloads_by_day
from metrics_lake.model.arrow import arrow_schema, fitted
from metrics_lake.silver import downloads
from metrics_lake.sources.landed_file import FileEntry
from tests.unit.sources.haproxy.logs import rules_of
from tests.unit.sources.reports import HASHER

APPS = [("acme", "apple", "1", "85000001"), ("beta", "apple", "2", "85000002"), ("acme", "google", "com.a", None)]
OLD, NEW = "85000001", "85000002"
HEAD = "Product Type Identifier\tUnits\tBegin Date\tApple Identifier\tCountry Code\tDevice\n"
Figures = dict[tuple[Any, ...], Any]


@dataclass(frozen=True)
class Report:
    """A report that lies in landing, with its own time as minutes of an hour."""

    path: str
    content: str
    minute: int = 0
    batch_number: int = field(default=1, compare=False)

    @property
    def true_path(self) -> str:
        return self.path

    @property
    def entry(self) -> FileEntry:
        content = self.content.encode()
        found, at = hashlib.sha256(content).hexdigest(), f"2001-01-20T13:{self.minute:02}:00+00:00"
        return FileEntry(self.path, len(content), found, at)

    def pieces(self) -> Iterator[bytes]:
        yield self.content.encode()


def apple(*rows: tuple[Any, ...], vendor: str = OLD, on: int = 15, name: str = "", minute: int = 0) -> Report:
    """A report of rows (app, units, country); `name` stands for the usual one."""
    day = f"01/{on:02}/2001"
    lines = (f"1F\t{units}\t{day}\t{app}\t{country}\tiPhone\n" for app, units, country in rows)
    return Report(f"app_store/{name or f'S_D_{vendor}_200101{on:02}.txt'}", HEAD + "".join(lines), minute)


def google(*rows: str, name: str = "", of: str = "overview", minute: int = 0, head: str = "") -> Report:
    """A report of rows without the package, such as `15,7` or `15,ZA,7`."""
    columns = head or ("Daily User Installs" if of == "overview" else f"{of.title()},Daily User Installs")
    lines = (f"2001-01-{row.partition(',')[0]},com.a,{row.partition(',')[2]}\n" for row in rows)
    path = f"google_play/{name or f'installs_com.a_200101_{of}.csv'}"
    return Report(path, f"Date,Package name,{columns}\n" + "".join(lines), minute)


def bronze(runs: Iterable[Sequence[Report]]) -> pl.DataFrame:
    """What bronze holds after runs over landing: a path that has the same content as before isn't read again."""
    held: dict[str, str] = {}
    schema, tables = arrow_schema(TABLE), [arrow_schema(TABLE).empty_table()]
    for number, reports in enumerate(runs, 1):
        new = [each for each in sorted(reports, key=lambda each: each.path) if held.get(each.path) != each.content]
        held |= {each.path: each.content for each in new}
        files = [Report(each.path, each.content, each.minute, number) for each in new]
        tables += [fitted(frame, schema) for frame in FEED.parse(files, rules_of(), HASHER)]
    found = pl.from_arrow(pa.concat_tables(tables))
    assert isinstance(found, pl.DataFrame)
    return found


def frames(
    runs: Iterable[Sequence[Report]], apps: Sequence[tuple[Any, ...]] = APPS
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Silver and gold after these runs."""
    silver = downloads.refine(bronze(runs), pl.DataFrame(apps, downloads.APPS, orient="row"))
    return silver, downloads_by_day.compute(silver)


def totals(*runs: Sequence[Report], apps: Sequence[tuple[Any, ...]] = APPS) -> Figures:
    """Of (app, day) the downloads in all, with a mark where they are partial."""
    gold = frames(runs, apps)[1].filter(pl.col("country") == "*", pl.col("device") == "*")
    return {
        (row["app"], row["downloaded_on"].day): (row["downloads"], "partial") if row["is_partial"] else row["downloads"]
        for row in gold.to_dicts()
    }
