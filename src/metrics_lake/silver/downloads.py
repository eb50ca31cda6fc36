"""What did each store report of each app, by day, country and device?

Grain: tenant, store, app, day of the store, country, device; `*` where the report doesn't distinguish these. Which report
counts: reports_that_count.py; which of Google's columns: download_columns.py. Two vendors' reports of one app add up.
Catch: a day that no file speaks of has no row, for that is unknown; a day whose report lists nothing of an app is a row
of zeros, where the app's vendors are known and all have reported; a row that can't be read is never a zero.
"""

from __future__ import annotations

import polars as pl

from metrics_lake.model.tables import Table
from metrics_lake.silver import download_columns, reports_that_count
from metrics_lake.silver.reports_that_count import OF_DAY, Counting
from metrics_lake.sources.stores.google_play_installs import COLUMNS_OF_DOWNLOADS

TABLE = Table(
    "silver.downloads",
    partitioned_by=("month",),
    columns="""
    month STRING NOT NULL COMMENT 'Month of downloaded_on, such as 2001-01'
    downloaded_on DATE NOT NULL COMMENT 'Day as the store counts it (Apple: Pacific time)'
    tenant STRING NOT NULL COMMENT 'Whose app'
    store STRING NOT NULL COMMENT 'apple or google'
    app STRING NOT NULL COMMENT 'Apple identifier, or name of the package'
    country STRING NOT NULL COMMENT 'Country as the store codes it; ZZ where it names none; * where not told apart'
    device STRING NOT NULL COMMENT 'Device as the store names it; * where not told apart'
    downloads BIGINT COMMENT 'First installs, refunds taken off; null is unknown'
    redownloads BIGINT COMMENT 'Installs by somebody who had it before; Google does not say'
    updates BIGINT COMMENT 'Installs of a newer version'
    uninstalls BIGINT COMMENT 'Removals; Apple does not say'
    active_devices BIGINT COMMENT 'Devices that have the app and were on of late; Apple does not say'
    bundle_downloads BIGINT COMMENT 'Installs as part of a bundle, not among downloads; Google does not say'
    other_units BIGINT COMMENT 'Units of product types that are not known; Google does not say'
    downloads_from STRING COMMENT 'What downloads were taken from: units, or the column of Google; null where unknown'
    user_installs BIGINT COMMENT 'Daily User Installs of Google, one of the columns that downloads may be taken from'
    install_events BIGINT COMMENT 'Install events of Google, likewise'
    device_installs BIGINT COMMENT 'Daily Device Installs of Google, likewise'
    is_partial BOOLEAN COMMENT 'Whether a row of the report could not be read, and no older whole one tells of the day'
    """,
)
APPS: dict[str, pl.DataType] = {name: pl.String() for name in ("tenant", "store", "app", "vendor")}
ALL = "*"
FIGURES = (
    "downloads", "redownloads", "updates", "uninstalls", "active_devices", "bundle_downloads", "other_units",
)  # fmt: skip
MEANING = 2  # raised with the meaning of these rows, so that a lake made before makes them anew
_COLUMNS = download_columns.COLUMNS
_OF_GOOGLE = ("updates", "uninstalls", "active_devices", *_COLUMNS)
_OF_APPLE = {
    "downloads": "download", "redownloads": "redownload", "updates": "update", "bundle_downloads": "bundle",
    "other_units": "other",
}  # fmt: skip
_OF_DAY = ("downloaded_on", "tenant", "store", "app")
_GREATEST = 2**63 - 1


def refine(reports: pl.DataFrame, apps: pl.DataFrame) -> pl.DataFrame:
    """From all rows of bronze.store_reports; `apps` is of APPS."""
    rows = report_figures(reports, apps)
    return download_columns.with_chosen_column(rows, download_columns.choose_columns(rows)).select(TABLE.names)


def report_figures(reports: pl.DataFrame, apps: pl.DataFrame) -> pl.DataFrame:
    """The same from whole months of it, before it is chosen which of Google's columns are downloads."""
    reports_counted = reports_that_count.counting(reports, apps)
    ours = apps.select("tenant", "store", "app").unique()
    rows = reports_counted.rows.join(ours, on=["store", "app"])
    known = pl.concat(
        [rows.select(*_OF_DAY, *_figures_of_row(), "is_partial"), _zeros(reports_counted, apps)], how="diagonal"
    )
    figures = known.group_by(*_OF_DAY, "country", "device").agg(
        *(summed(name) for name in (*FIGURES, *_COLUMNS)),
        pl.col("downloads_from").max(),
        is_partial=pl.col("is_partial").any() | pl.any_horizontal(is_too_large(name) for name in FIGURES),
    )
    is_contradicted = (pl.col("store") == "apple") & (pl.col("country") == ALL) & (pl.len().over(_OF_DAY) > 1)
    kept = figures.filter(~is_contradicted)  # zeros of an app that the report doesn't list, where it lists it
    return kept.with_columns(month=month()).select(TABLE.names).sort(*_OF_DAY, "country", "device")


def month() -> pl.Expr:
    return pl.col("downloaded_on").dt.strftime("%Y-%m")


def _zeros(reports_counted: Counting, apps: pl.DataFrame) -> pl.DataFrame:
    """Zeros of the apps of which all their vendors have reported a day, whole and without a row."""
    sold = apps.filter(pl.col("store") == "apple", pl.col("vendor").is_not_null()).unique()
    sold = sold.with_columns(vendor_count=pl.len().over("tenant", "store", "app"))
    unlisted = reports_counted.best.filter(~pl.col("has_rows"), ~pl.col("is_partial"))
    by_vendor = unlisted.join(sold, left_on=["store", "app", "unit"], right_on=["store", "app", "vendor"])
    of_all = by_vendor.filter(pl.len().over("tenant", *OF_DAY) == pl.col("vendor_count"))
    figures = {name: pl.lit(0, pl.Int64) for name in _OF_APPLE}
    places = {"country": pl.lit(ALL), "device": pl.lit(ALL), "downloads_from": pl.lit("units")}
    return of_all.select(*_OF_DAY, is_partial=False, **places, **figures).unique()


def _figures_of_row() -> list[pl.Expr]:
    """A row's place, and what it adds to each figure: zero of Apple where its product type is of another kind."""
    is_apple = pl.col("store") == "apple"
    is_by_device = pl.col("product_kind").is_not_null() | (pl.col("dimension") == "device").fill_null(False)
    of_google = {**{name: pl.col(name) for name in _OF_GOOGLE}, **_columns()}
    of_apple = {
        name: pl.when(pl.col("product_kind") == kind).then("units").otherwise(0) for name, kind in _OF_APPLE.items()
    }
    unknown = pl.lit(None, pl.Int64)
    figures = (
        pl.when(is_apple).then(of_apple.get(name, unknown)).otherwise(of_google.get(name, unknown)).alias(name)
        for name in (*FIGURES, *_COLUMNS)
    )
    return [
        pl.col("country").fill_null(ALL),
        pl.when(is_by_device).then(pl.col("device").fill_null("unknown")).otherwise(pl.lit(ALL)).alias("device"),
        *figures,
        pl.when(is_apple).then(pl.lit("units")).alias("downloads_from"),
    ]


def _columns() -> dict[str, pl.Expr]:
    """Google's columns of downloads; rows of older versions have the one that their file took."""
    is_older = pl.all_horizontal(pl.col(name).is_null() for name in _COLUMNS)
    taken = pl.col("downloads_from").fill_null(COLUMNS_OF_DOWNLOADS[_COLUMNS[0]])
    return {
        column: pl.when(is_older & (taken == name)).then("downloads").otherwise(pl.col(column))
        for column, name in COLUMNS_OF_DOWNLOADS.items()
    }


def summed(name: str) -> pl.Expr:
    """The sum of a figure; unknown where no row has it, or where it is beyond 64 bits."""
    total = pl.col(name).cast(pl.Int128).sum()
    is_known = pl.col(name).is_not_null().any() & ~is_too_large(name)
    return pl.when(is_known).then(total).cast(pl.Int64).alias(name)


def is_too_large(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int128).sum().abs() > _GREATEST
