"""What did each store report of each app, by day, country and device?

Grain: tenant, store, app, day of the store, country, device; `*` where the report doesn't tell these apart. Of each
report and day the newest file counts, whenever it arrived. Catch: a day that no file speaks of has no row, for that is
unknown; a day whose report lists nothing of an app is a row of zeros, where the app's vendor is known to be the report's.
"""

from __future__ import annotations

import polars as pl

from metrics_lake.tables import Table

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
    """,
)
APPS: dict[str, pl.DataType] = {name: pl.String() for name in ("tenant", "store", "app", "vendor")}
ALL = "*"
FIGURES = (
    "downloads", "redownloads", "updates", "uninstalls", "active_devices", "bundle_downloads", "other_units",
)  # fmt: skip
_OF_GOOGLE = ("downloads", "updates", "uninstalls", "active_devices")
_OF_APPLE = {
    "downloads": "download", "redownloads": "redownload", "updates": "update", "bundle_downloads": "bundle",
    "other_units": "other",
}  # fmt: skip
_OF_DAY = ("downloaded_on", "tenant", "store", "app")


def refine(reports: pl.DataFrame, apps: pl.DataFrame) -> pl.DataFrame:
    """From rows and files of bronze.store_reports, whole days of them, as they lie there; `apps` is of APPS."""
    newest = _newest(reports.filter(pl.col("downloaded_on").is_not_null()))
    is_file = pl.col("row_kind") == "file"
    rows = newest.filter(~is_file).join(apps.drop("vendor").unique(), on=["store", "app"])
    covered = newest.filter(is_file).drop("app").join(apps, on=["store", "vendor"])
    told = pl.concat([rows.select(*_OF_DAY, *_told()), covered.select(*_OF_DAY, *_told())])
    figures = told.group_by(*_OF_DAY, "country", "device").agg(
        *(summed(name) for name in FIGURES), pl.col("downloads_from").max()
    )
    is_spoken = (pl.col("store") == "apple") & (pl.col("country") == ALL) & (pl.len().over(_OF_DAY) > 1)
    kept = figures.filter(~is_spoken)  # the zeros that a report says by its silence, where it wasn't silent
    return kept.with_columns(month=month()).select(TABLE.names).sort(*_OF_DAY, "country", "device")


def month() -> pl.Expr:
    return pl.col("downloaded_on").dt.strftime("%Y-%m")


def _newest(reports: pl.DataFrame) -> pl.DataFrame:
    """The rows of each day that stand in the newest file that tells of their app, and of their vendor."""
    of_vendor = pl.coalesce(
        "vendor", pl.concat_str(pl.lit("app"), "app", "dimension", separator="/", ignore_nulls=True)
    )
    version = pl.struct("written_at", "batch_number", "path").rank("dense")
    ranked = reports.with_columns(version=version, of_vendor=of_vendor)
    is_of_vendor = pl.col("version") == pl.col("version").max().over("store", "downloaded_on", "of_vendor")
    is_of_app = pl.col("version") == pl.col("version").max().over("store", "downloaded_on", "app", "dimension")
    return ranked.filter(is_of_vendor & (is_of_app | (pl.col("row_kind") == "file")))


def _told() -> list[pl.Expr]:
    """A row's place, and what it adds to each figure: zero of Apple where its product type is of another kind."""
    is_apple = pl.col("store") == "apple"
    is_by_device = pl.col("product_kind").is_not_null() | (pl.col("dimension") == "device").fill_null(False)
    unsaid = pl.lit(None, pl.Int64)
    of_google = {name: pl.col(name) for name in _OF_GOOGLE}
    of_apple = {
        name: pl.when(pl.col("product_kind") == kind).then("units").otherwise(0) for name, kind in _OF_APPLE.items()
    }
    figures = (
        pl.when(is_apple).then(of_apple.get(name, unsaid)).otherwise(of_google.get(name, unsaid)).alias(name)
        for name in FIGURES
    )
    return [
        pl.col("country").fill_null(ALL),
        pl.when(is_by_device).then(pl.col("device").fill_null("unknown")).otherwise(pl.lit(ALL)).alias("device"),
        *figures,
        pl.when(is_apple).then(pl.lit("units")).otherwise("downloads_from").alias("downloads_from"),
    ]


def summed(name: str) -> pl.Expr:
    """The sum of a figure; unknown where nothing tells it."""
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
