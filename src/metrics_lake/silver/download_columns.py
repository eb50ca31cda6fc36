"""Which of Google's columns counts as downloads: chosen for each app over all its days, with a dated switch where one dies.

Google leaves a column that it no longer fills in place, full of zeros, beside the one that counts now. A quiet day has a
zero too. So the first column in which anything happened counts from its first to its last such day; zeros beyond it
are believed, unless the next column counts so many events there that they can't be: where of the events of its
better days a share was new installs, a stretch of so many events without a single one has a chance of less than one in
a thousand. Where a column has no cell, the next counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

import polars as pl

from metrics_lake.sources.stores.google_play_installs import COLUMNS_OF_DOWNLOADS

ALL, GOOGLE = "*", "google"
COLUMNS = tuple(COLUMNS_OF_DOWNLOADS)
Day = tuple[date, tuple[int | None, ...]]
Switches = dict[str, list[list[str]]]  # of each app: from which day on (empty: ever) which column counts
_CHANCE, _HIGHEST_SHARE, _EVER = 0.001, 0.9, date(1, 1, 1)


def choose_columns(rows: pl.DataFrame) -> Switches:
    """The choice for each app from rows of silver.downloads, the whole history of it."""
    history = _history(rows).sort("app", "downloaded_on")
    by_app = groupby(history.iter_rows(), key=lambda row: str(row[0]))
    return {app: switches([(row[1], row[2:]) for row in days]) for app, days in by_app}


def switches(days: Sequence[Day]) -> list[list[str]]:
    """Days of one app, in order, as the dates from which on a column counts."""
    runs: list[list[str]] = []
    for (on, _), place in zip(days, _places(days, range(len(COLUMNS))), strict=True):
        if not runs or runs[-1][1] != COLUMNS[place]:
            runs.append([on.isoformat() if runs else "", COLUMNS[place]])
    return runs


def with_chosen_column(rows: pl.DataFrame, choice: Switches) -> pl.DataFrame:
    """Rows of silver.downloads with the chosen column as downloads of Google's."""
    dates = [
        (app, date.fromisoformat(on) if on else _EVER, column) for app, runs in choice.items() for on, column in runs
    ]
    schema = {"app": pl.String, "from_on": pl.Date, "column": pl.String}
    runs = pl.DataFrame(dates, schema, orient="row").sort("from_on")
    dated = rows.sort("downloaded_on").join_asof(
        runs, left_on="downloaded_on", right_on="from_on", by="app", check_sortedness=False
    )
    is_google = pl.col("store") == GOOGLE
    number = pl.coalesce(pl.when(pl.col("column") == name).then(name) for name in COLUMNS)
    name = pl.col("column").replace_strict(COLUMNS_OF_DOWNLOADS, default=None, return_dtype=pl.String)
    return dated.with_columns(
        downloads=pl.when(is_google).then(number).otherwise("downloads"),
        downloads_from=pl.when(is_google).then(pl.when(number.is_not_null()).then(name)).otherwise("downloads_from"),
    ).drop("from_on", "column")


def _history(rows: pl.DataFrame) -> pl.DataFrame:
    """Each app's days with the columns as the overview has them, else as sums over countries, else over devices."""
    of_google = rows.filter(pl.col("store") == GOOGLE).unique(["app", "downloaded_on", "country", "device"])
    has_country, has_device = pl.col("country") != ALL, pl.col("device") != ALL
    kinds = (~has_country & ~has_device, has_country & ~has_device, ~has_country & has_device)
    return of_google.group_by("app", "downloaded_on").agg(
        pl.coalesce(_sum(pl.col(name).filter(kind)) for kind in kinds).alias(name) for name in COLUMNS
    )


def _sum(column: pl.Expr) -> pl.Expr:
    return pl.when(column.is_not_null().any()).then(column.cast(pl.Int128).sum())


def _places(days: Sequence[Day], columns: Sequence[int]) -> Iterator[int]:
    """Of each day which of these columns counts; they are in order of worth."""
    first, rest = columns[0], columns[1:]
    busy = [place for place, (_, values) in enumerate(days) if values[first]]
    others = [column for column in rest if any(values[column] for _, values in days)]
    if not rest or (not busy and not others):
        yield from _first_filled(days, columns)
        return
    if not busy:
        yield from _places(days, others)
        return
    before, within, after = days[: busy[0]], days[busy[0] : busy[-1] + 1], days[busy[-1] + 1 :]
    for part in (before, within, after):
        if part and part is not within and _is_dead(part, within, first, rest):
            yield from _places(part, rest)
        else:
            yield from _first_filled(part, columns)


def _first_filled(days: Sequence[Day], columns: Sequence[int]) -> Iterator[int]:
    """The first of the columns, but where it has no cell the next that has one."""
    for _, values in days:
        yield next((column for column in columns if values[column] is not None), columns[0])


def _is_dead(part: Sequence[Day], life: Sequence[Day], column: int, rest: Sequence[int]) -> bool:
    """Whether a stretch of zeros can't be quiet days: too many events of the next column that counts there."""
    known = [values for _, values in part if values[column] is not None]
    other = next((later for later in rest if any(values[later] for values in known)), None)
    if other is None:
        return False
    events = sum(values[other] or 0 for values in known)
    both = [values for _, values in life if values[column] is not None]
    share = sum(values[column] or 0 for values in both) / (sum(values[other] or 0 for values in both) + 2)
    return float((1 - min(max(share, 0.0), _HIGHEST_SHARE)) ** max(events, 0)) < _CHANCE
