"""How often was each app downloaded on each day, in all, by country and by device?

Grain: tenant, store, app, day of the store, country, device; `*` is all of them. Catch: a store's own total (its
overview) wins over the sum of its countries, from which it may differ; where there is none, `is_summed` is true. A day
that a store has not reported has no row: unknown is not zero.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metrics_lake.silver import downloads
from metrics_lake.silver.downloads import ALL
from metrics_lake.tables import Metric, Table

TABLE = Table(
    "gold.downloads_by_day",
    partitioned_by=("month",),
    columns="""
    month STRING NOT NULL COMMENT 'Month of downloaded_on, such as 2001-01'
    downloaded_on DATE NOT NULL COMMENT 'Day as the store counts it (Apple: Pacific time)'
    tenant STRING NOT NULL COMMENT 'Whose app'
    store STRING NOT NULL COMMENT 'apple or google'
    app STRING NOT NULL COMMENT 'Apple identifier, or name of the package'
    country STRING NOT NULL COMMENT 'Country as the store codes it; ZZ where it names none; * is all'
    device STRING NOT NULL COMMENT 'Device as the store names it; * is all'
    downloads BIGINT COMMENT 'First installs, refunds taken off; null is unknown'
    redownloads BIGINT COMMENT 'Installs by somebody who had it before; null is unknown'
    updates BIGINT COMMENT 'Installs of a newer version; null is unknown'
    uninstalls BIGINT COMMENT 'Removals; null is unknown'
    active_devices BIGINT COMMENT 'Devices that have the app and were on of late; null is unknown'
    downloads_from STRING COMMENT 'What downloads were taken from: units, or the column of Google'
    is_summed BOOLEAN NOT NULL COMMENT 'Whether it is a sum of finer rows, for want of a figure of the store itself'
    """,
)
METRIC = Metric("downloads_by_day", reads=(downloads.TABLE,), writes=TABLE)
FIGURES = ("downloads", "redownloads", "updates", "uninstalls", "active_devices")
_KEY = ("month", "downloaded_on", "tenant", "store", "app", "country", "device")
_OWN, _OF_COUNTRIES, _OF_DEVICES = 0, 1, 2  # the better source first


def compute(told: DataFrame) -> DataFrame:
    """From silver.downloads, whole days of it: each row as it is, and totals of those that the store gives none for."""
    laid = told.withColumn("place", F.explode(_places())).select(
        "month", "downloaded_on", "tenant", "store", "app", "place.*", *FIGURES, "downloads_from"
    )
    summed = laid.groupBy(*_KEY, "source_rank").agg(
        *(F.sum(name).alias(name) for name in FIGURES), F.max("downloads_from").alias("downloads_from")
    )
    rest = (*FIGURES, "downloads_from", "source_rank")
    best = summed.groupBy(*_KEY).agg(F.min_by(F.struct(*rest), "source_rank").alias("best"))
    return best.select(*_KEY, "best.*", (F.col("best.source_rank") != _OWN).alias("is_summed")).select(*TABLE.names)


def _places() -> Column:
    """Where a row counts: in its own place, and in those above it that hold several of its kind."""
    own = _place("country", "device", _OWN)
    above_both = tuple(_place(*each, _OF_COUNTRIES) for each in (("country", ALL), (ALL, "device"), (ALL, ALL)))
    is_of_country, is_of_device = F.col("country") != ALL, F.col("device") != ALL
    return (
        F.when(is_of_country & is_of_device, F.array(own, *above_both))
        .when(is_of_country, F.array(own, _place(ALL, ALL, _OF_COUNTRIES)))
        .when(is_of_device, F.array(own, _place(ALL, ALL, _OF_DEVICES)))
        .otherwise(F.array(own))
    )


def _place(country: str, device: str, rank: int) -> Column:
    """A country and device (names of columns, or `*`), and how good a source it is for them: the lowest rank wins."""
    named = (F.lit(ALL) if each == ALL else F.col(each) for each in (country, device))
    return F.struct(
        *(c.alias(n) for c, n in zip(named, ("country", "device"), strict=True)), F.lit(rank).alias("source_rank")
    )
