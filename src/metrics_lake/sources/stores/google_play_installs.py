"""Google Play's monthly statistics of installs, by day: one file per app, month and dimension, rewritten daily.

Google adds new columns and leaves old ones with only zeros, so each figure is read from its first column with a value
above zero. All columns for downloads are stored, because the column that counts is chosen per app and not per file
(silver/download_columns.py). See docs/store-reports.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from metrics_lake.sources.landed_file import UnreadableFile
from metrics_lake.sources.stores.raw_table import (
    RawTable,
    ReportRows,
    country,
    day,
    is_absent,
    is_no_country,
    is_no_device,
    number,
    require,
    split_rejects,
)

FOLDER, STORE = "google_play", "google"
OVERVIEW, COUNTRY, DEVICE = "overview", "country", "device"
ANOTHER_MONTH = "another_month"
COLUMNS_OF_DOWNLOADS = {  # the names in bronze, the best first
    "user_installs": "daily user installs",
    "install_events": "install events",
    "device_installs": "daily device installs",
}
DOWNLOADS = tuple(COLUMNS_OF_DOWNLOADS.values())
_FIGURES = {
    "downloads": DOWNLOADS,
    "updates": ("update events", "daily device upgrades"),
    "uninstalls": ("daily user uninstalls", "uninstall events", "daily device uninstalls"),
    "active_devices": ("active device installs", "current device installs"),
}
# Meaningless zeros since Google added the columns `… events`.
_RETIRED = ("daily device upgrades", "daily device uninstalls")
_METRICS = {name for names in _FIGURES.values() for name in names}
_DIMENSIONS = {COUNTRY: ("country", "country / region", "country/region"), DEVICE: ("device", "device model")}
_UNUSED = ("app version code", "app version", "android os version", "os version", "language", "carrier")
_DATE, _APP = "date", "package name"
_UNREAD_TOTALS = ("total user installs", "daily user uninstalls", "current user installs")
COLUMNS = frozenset(
    (_DATE, _APP, *_METRICS, *_UNUSED, *_UNREAD_TOTALS, *(n for names in _DIMENSIONS.values() for n in names))
)
_DAYS = ("%Y-%m-%d", "%Y%m%d", "%m/%d/%Y")
# A package name may contain such digits too: those of the month are the last.
_MONTH = re.compile(r"^.*_(20\d\d(?:0[1-9]|1[0-2]))_([a-z]\w*?)(?:[. ]|$)")
_PACKAGE = r"^[A-Za-z]\w*(?:\.[A-Za-z]\w*)+$"


def read(table: RawTable, path: str) -> ReportRows:
    """The rows of a report; a report by an unused dimension is skipped as a whole."""
    require(table, (_DATE, _APP))
    month, dimension = _month_and_dimension(path)
    if any(name in table.names for name in _UNUSED):
        return ReportRows(pl.DataFrame(), _no_rejects(table), table.frame.height + table.blank_count)
    if not any(name in table.names for name in DOWNLOADS):
        raise UnreadableFile(f"no_column_{DOWNLOADS[0].replace(' ', '_')}")
    if dimension in (COUNTRY, DEVICE) and not any(name in table.names for name in _DIMENSIONS[dimension]):
        raise UnreadableFile(f"no_column_{dimension}")
    figure_columns = [name for name in table.names if name in _METRICS]
    frame = table.frame.with_columns(downloaded_on=day(_DATE, *_DAYS), **{f"={m}": number(m) for m in figure_columns})
    dimensions = _dimensions(table.names)
    app = pl.when(pl.col(_APP).str.contains(_PACKAGE)).then(pl.col(_APP))
    reject_columns = {"app": app, "downloaded_on": pl.col("downloaded_on"), "dimension": dimensions["dimension"]}
    accepted, rejects = split_rejects(frame, _reason(figure_columns, month, table.names), **reject_columns)
    counted = accepted.filter(pl.any_horizontal(pl.col(f"={name}").is_not_null() for name in figure_columns))
    rows = counted.select(
        "row_number",
        "downloaded_on",
        *_figures(counted, figure_columns),
        *_columns(figure_columns),
        app=pl.col(_APP),
        **dimensions,
    )
    if rows.select("app", "downloaded_on", "country", "device").is_duplicated().any():
        raise UnreadableFile("several_rows_a_day")
    return ReportRows(rows, rejects, table.blank_count + accepted.height - counted.height)


def _month_and_dimension(path: str) -> tuple[str | None, str | None]:
    """Month and dimension in the name of a report: `installs_<package>_<month>_<dimension>`."""
    match = _MONTH.search(path.rpartition("/")[2])
    return (match[1], match[2]) if match else (None, None)


def _no_rejects(table: RawTable) -> pl.DataFrame:
    return table.frame.select("row_number", reason=pl.lit(None, pl.String)).clear()


def _reason(figure_columns: Sequence[str], month: str | None, names: Sequence[str]) -> pl.Expr:
    """Why a row is rejected; null if it isn't."""
    by_country, by_device = (_first(names, _DIMENSIONS[dimension]) for dimension in (COUNTRY, DEVICE))
    no_number = (~is_absent(name) & pl.col(f"={name}").is_null() for name in figure_columns)
    return (
        pl.when(is_absent(_DATE) | is_absent(_APP))
        .then(pl.lit("incomplete_row"))
        .when(pl.col("downloaded_on").is_null())
        .then(pl.lit("no_day"))
        .when(pl.col("downloaded_on").dt.strftime("%Y%m") != month if month else pl.lit(False))
        .then(pl.lit(ANOTHER_MONTH))
        .when(is_no_country(by_country) if by_country else pl.lit(False))
        .then(pl.lit("no_country"))
        .when(is_no_device(by_device) if by_device else pl.lit(False))
        .then(pl.lit("no_device"))
        .when(pl.any_horizontal(no_number))
        .then(pl.lit("figure_no_number"))
    )


def _figures(counted: pl.DataFrame, figure_columns: Sequence[str]) -> list[pl.Expr]:
    chosen = {figure: _column_in_use(counted, names, figure_columns) for figure, names in _FIGURES.items()}
    columns = [
        (pl.col(f"={name}") if name else pl.lit(None, pl.Int64)).alias(figure) for figure, name in chosen.items()
    ]
    return [*columns, pl.lit(chosen["downloads"]).alias("downloads_from")]


def _columns(figure_columns: Sequence[str]) -> list[pl.Expr]:
    return [pl.col(f"={name}").alias(column) for column, name in COLUMNS_OF_DOWNLOADS.items() if name in figure_columns]


def _first(names: Sequence[str], candidates: Sequence[str]) -> str | None:
    return next((name for name in candidates if name in names), None)


def _column_in_use(counted: pl.DataFrame, names: Sequence[str], figure_columns: Sequence[str]) -> str | None:
    """The first column of a figure with a value other than zero, else the first with any value; None if there is none."""
    present = [name for name in names if name in figure_columns]
    nonzero = [name for name in present if (counted[f"={name}"] != 0).any()]
    has_events = any(name.endswith(" events") for name in figure_columns)
    all_zero = [n for n in present if counted[f"={n}"].is_not_null().any() and not (has_events and n in _RETIRED)]
    return next(iter([*nonzero, *all_zero]), None)


def _dimensions(names: Sequence[str]) -> dict[str, pl.Expr]:
    """The dimension of the report, and the country or device of each row."""
    by_country, by_device = (_first(names, _DIMENSIONS[dimension]) for dimension in (COUNTRY, DEVICE))
    absent = pl.lit(None, pl.String)
    return {
        "dimension": pl.lit(COUNTRY if by_country else DEVICE if by_device else OVERVIEW),
        "country": country(by_country) if by_country else absent,
        "device": pl.col(by_device) if by_device else absent,
    }
