"""Which of the reports that tell of an app's day counts: of each vendor, or package and kind of report, the newest whole one.

Newer is, by definitions.md section 10: the stamp in the name, else when that content was first seen; of one path the later
arrival; of equal times the greater hash of the content. All of it is a function of the reports as a set, so neither
their order nor how they were split over runs matters. A report is whole for an app's day where none of its rows that
may be of it was rejected.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from metrics_lake.sources.stores.app_store_sales import ANOTHER_DAY, NOT_SALES
from metrics_lake.sources.stores.google_play_installs import ANOTHER_MONTH, OVERVIEW

APPLE = "apple"
OF_DAY = ("store", "downloaded_on", "app")
KEY = (*OF_DAY, "unit")  # unit: the vendor of Apple's report, the kind of Google's
_FILE = ("batch_number", "path")
_CONTENT = ("store", "unit", "file_id", "downloaded_on")
_NOBODY = ""  # the unit of a report of Apple whose vendor nothing tells


@dataclass(frozen=True)
class Counting:
    """`rows` of the reports that count, with their unit; `best` names the report that counts by KEY, with whether it
    `is_whole` and `has_rows` of that day, and whether its app's day `is_partial`; `tied` are all of the same content.
    """

    rows: pl.DataFrame
    best: pl.DataFrame
    tied: pl.DataFrame


def counting(reports: pl.DataFrame, apps: pl.DataFrame) -> Counting:
    """From rows of all kinds of bronze.store_reports, whole months of them; `apps` is of silver.downloads.APPS."""
    placed = _timed(pl.concat([_of_vendors(reports, apps), _of_kinds(reports)], how="diagonal"))
    reported = _reported(placed, apps)
    latest = reported.filter(pl.col("batch_number") == pl.col("batch_number").max().over(*KEY, "path", *_WORTH))
    best = latest.sort(*_WORTH, "time", "file_id", "path").unique(KEY, keep="last", maintain_order=True)
    best = _partial(best.filter(~_is_of_nobody()))
    tied = latest.join(best.select(*KEY, "file_id", "time", *_WORTH), on=[*KEY, "file_id", "time", *_WORTH])
    is_row = ~pl.col("row_kind").is_in(["file", "reject"])
    rows = placed.filter(is_row).join(best.select(*KEY, *_FILE, "is_partial"), on=[*KEY, *_FILE])
    return Counting(rows, best, tied)


_WORTH = ("is_whole", "is_useful")


def _of_vendors(reports: pl.DataFrame, apps: pl.DataFrame) -> pl.DataFrame:
    """Apple's rows, files and rejects, each with its vendor as unit.

    Where a name doesn't tell the vendor, the same content under another name does, then the app's settings, then other
    reports of the app. A copy so stays with what it is a copy of, and is never added to it.
    """
    of_sales = reports.filter(pl.col("store") == APPLE, ~pl.col("path").str.contains(NOT_SALES))
    files = of_sales.filter(pl.col("row_kind") == "file", pl.col("downloaded_on").is_not_null())
    rejects = of_sales.filter(pl.col("row_kind") == "reject", pl.col("reason") != ANOTHER_DAY)
    days = files.select(*_FILE, "downloaded_on")
    of_file = rejects.drop("downloaded_on").join(days, on=_FILE)
    rows = of_sales.filter(~pl.col("row_kind").is_in(["file", "reject"]))
    named = rows.filter(pl.col("vendor").is_not_null())
    by_content = _sole(named, ["file_id", "downloaded_on"], "by_content")
    by_setting = _sole(apps.filter(pl.col("store") == APPLE, pl.col("vendor").is_not_null()), ["app"], "by_setting")
    by_report = _sole(named, ["app"], "by_report")
    rows_of_files = pl.concat([files, rows, of_file], how="diagonal").join(
        by_content, on=["file_id", "downloaded_on"], how="left"
    )
    rows_of_files = rows_of_files.join(by_setting, on="app", how="left").join(by_report, on="app", how="left")
    unit = pl.coalesce("vendor", "by_content", "by_setting", "by_report", pl.lit(_NOBODY))
    return rows_of_files.with_columns(unit=unit).drop("by_content", "by_setting", "by_report")


def _sole(named: pl.DataFrame, by: list[str], name: str) -> pl.DataFrame:
    """The vendor by these columns, where there is but one."""
    vendors = named.group_by(by).agg(pl.col("vendor").unique())
    return vendors.filter(pl.col("vendor").list.len() == 1).select(*by, pl.col("vendor").list.first().alias(name))


def _of_kinds(reports: pl.DataFrame) -> pl.DataFrame:
    """Google's rows and rejects, each with its kind of report as unit."""
    is_foreign = (pl.col("reason") == ANOTHER_MONTH).fill_null(False)
    of_google = reports.filter(pl.col("store") != APPLE, pl.col("row_kind") != "file", ~is_foreign)
    return of_google.with_columns(unit=pl.col("dimension"))


def _timed(placed: pl.DataFrame) -> pl.DataFrame:
    """With the time that tells how new a report is. Rows of older versions don't say whether it is a stamp: it stays theirs."""
    first_seen = pl.col("written_at").min().over(_CONTENT)
    return placed.with_columns(
        time=pl.when(pl.col("is_stamped").fill_null(True)).then("written_at").otherwise(first_seen)
    )


def _reported(placed: pl.DataFrame, apps: pl.DataFrame) -> pl.DataFrame:
    """Of each report the apps' days that it tells of: by a row, or of Apple also by silence, as it lists all of a vendor's."""
    columns = (*KEY, *_FILE, "file_id", "time")
    spoken = placed.filter(
        pl.col("app").is_not_null(), pl.col("downloaded_on").is_not_null(), pl.col("unit").is_not_null()
    )
    of_rows = spoken.select(*columns, has_rows=pl.col("row_kind") != "reject")
    files = placed.filter(pl.col("row_kind") == "file", pl.col("unit") != _NOBODY)
    sold = apps.filter(pl.col("store") == APPLE).select("app", unit="vendor").drop_nulls().unique()
    known = pl.concat([of_rows.select(KEY), files.drop("app").join(sold, on="unit").select(KEY)]).unique()
    silent = files.drop("app").join(known, on=["store", "unit", "downloaded_on"]).select(*columns, has_rows=False)
    reported = pl.concat([of_rows, silent]).group_by(*KEY, *_FILE).agg(
        pl.col("file_id").first(), pl.col("time").min(), pl.col("has_rows").any()
    )  # fmt: skip
    damaged = _damaged(placed, reported)
    whole = reported.join(damaged, on=[*KEY, *_FILE], how="left").with_columns(is_whole=pl.col("is_damaged").is_null())
    return whole.drop("is_damaged").with_columns(is_useful=pl.col("is_whole") | pl.col("has_rows"))


def _damaged(placed: pl.DataFrame, reported: pl.DataFrame) -> pl.DataFrame:
    """The apps' days of reports that a rejected row may be of. One that names no app or day may be of any; but an overview
    has one row a day, so that a day with a row is known.
    """
    rejects = placed.filter(pl.col("row_kind") == "reject").select(
        *_FILE, damaged_app="app", damaged_on="downloaded_on", damaged_unit="unit"
    )
    met = reported.join(rejects, on=_FILE)
    is_of_app = pl.col("damaged_app").is_null() | (pl.col("damaged_app") == pl.col("app"))
    any_day = pl.col("damaged_on").is_null() & (pl.col("damaged_unit") != OVERVIEW)
    is_of_day = any_day | (pl.col("damaged_on") == pl.col("downloaded_on"))
    return met.filter(is_of_app & is_of_day.fill_null(False)).select(*KEY, *_FILE, is_damaged=True).unique()


def _is_of_nobody() -> pl.Expr:
    """Whether nothing tells whose report it is although others tell of that day: as likely a copy of theirs as not."""
    return (pl.col("store") == APPLE) & (pl.col("unit") == _NOBODY) & (pl.len().over(OF_DAY) > 1)


def _partial(best: pl.DataFrame) -> pl.DataFrame:
    """Whether figures lack a row: of Apple they are a sum over vendors, of Google each kind of report has its own."""
    of_day = (~pl.col("is_whole")).any().over(OF_DAY)
    return best.with_columns(is_partial=pl.when(pl.col("store") == APPLE).then(of_day).otherwise(~pl.col("is_whole")))


def lost(counted: Counting, landed: set[tuple[str, str]]) -> list[str]:
    """The paths of reports that count and whose content is not in `landed` (path, first of its hash) any more."""
    there = pl.DataFrame(sorted(landed), {"path": pl.String, "file_id": pl.String}, orient="row").with_columns(
        is_landed=True
    )
    tied = counted.tied.join(there, on=["path", "file_id"], how="left")
    gone = tied.group_by(KEY).agg(pl.col("is_landed").any().fill_null(False), pl.col("path").min())
    return gone.filter(~pl.col("is_landed"))["path"].unique().sort().to_list()
