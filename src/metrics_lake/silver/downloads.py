"""What did each store report of each app, by day, country and device?

Grain: tenant, store, app, day of the store, country, device; `*` where the report doesn't tell these apart. Of each
report and day the newest file counts, whenever it arrived. Catch: a day that no file speaks of has no row, for that is
unknown; a day whose report lists nothing of an app is a row of zeros, where the app's vendor is known to be the report's.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

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
APPS = "tenant STRING, store STRING, app STRING, vendor STRING"
ALL = "*"
FIGURES = (
    "downloads", "redownloads", "updates", "uninstalls", "active_devices", "bundle_downloads", "other_units",
)  # fmt: skip
_OF_APPLE = {
    "downloads": "download", "redownloads": "redownload", "updates": "update", "bundle_downloads": "bundle",
    "other_units": "other",
}  # fmt: skip
_OF_DAY = ("downloaded_on", "tenant", "store", "app")


def refine(reports: DataFrame, apps: DataFrame) -> DataFrame:
    """From rows and files of bronze.store_reports, whole days of them, as they lie there; `apps` is of APPS."""
    newest = _newest(reports.where("downloaded_on IS NOT NULL"))
    rows = newest.where("row_kind <> 'file'").drop("vendor").join(F.broadcast(apps.drop("vendor")), ["store", "app"])
    covered = newest.where("row_kind = 'file'").drop("app").join(F.broadcast(apps), ["store", "vendor"]).drop("vendor")
    summed = (
        rows.unionByName(covered)
        .withColumn("country", F.coalesce("country", F.lit(ALL)))
        .withColumn("device", _device())
        .groupBy(*_OF_DAY, "country", "device")
        .agg(*(F.sum(_figure(name)).alias(name) for name in FIGURES), F.max(_taken_from()).alias("downloads_from"))
    )
    others = F.count("*").over(Window.partitionBy(*_OF_DAY)) - 1
    is_spoken = (F.col("store") == "apple") & (F.col("country") == ALL) & (others > 0)  # zeros beside what was told
    kept = summed.withColumn("is_spoken", is_spoken).where("NOT is_spoken")
    return kept.withColumn("month", F.date_format("downloaded_on", "yyyy-MM")).select(*TABLE.names)


def _newest(reports: DataFrame) -> DataFrame:
    """The rows of each day that stand in the newest file that tells of their app, and of their vendor."""
    version = F.struct("written_at", "batch_number", "path")
    of_vendor = F.coalesce("vendor", F.concat_ws("/", F.lit("app"), "app", "dimension"))
    ranked = reports.withColumn("version", version).withColumn("of_vendor", of_vendor)
    by_app = Window.partitionBy("store", "downloaded_on", "app", "dimension")
    by_vendor = Window.partitionBy("store", "downloaded_on", "of_vendor")
    is_newest = (F.col("version") == F.max("version").over(by_vendor)) & (
        (F.col("version") == F.max("version").over(by_app)) | (F.col("row_kind") == "file")
    )
    return ranked.withColumn("is_newest", is_newest).where("is_newest")


def _device() -> Column:
    """The device; Google tells it in reports of their own, Apple with every row."""
    is_told = F.col("product_kind").isNotNull() | (F.col("dimension") == "device")
    return F.when(is_told, F.coalesce("device", F.lit("unknown"))).otherwise(F.lit(ALL))


def _figure(name: str) -> Column:
    """What a row adds to a figure: of Apple, where its product type is of that kind; null where the store doesn't say."""
    of_google = F.col(name) if name in ("downloads", "updates", "uninstalls", "active_devices") else F.lit(None)
    if name not in _OF_APPLE:
        return of_google
    of_apple = F.when(F.col("product_kind") == _OF_APPLE[name], F.col("units")).otherwise(F.lit(0))
    return F.when(F.col("store") == "apple", of_apple).otherwise(of_google).cast("bigint")


def _taken_from() -> Column:
    return F.when(F.col("store") == "apple", F.lit("units")).otherwise(F.col("downloads_from"))
