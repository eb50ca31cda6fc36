"""How often was each app downloaded on each day, in all, by country and by device?

Grain: tenant, store, app, day of the store, country, device; `*` is all of them. Catch: a store's own figure (of its
overview) wins over the sum of its countries, from which it may differ; where there is none, or its cell is blank, the
sum counts and `is_summed` is true. A day that a store has not reported has no row: unknown is not zero.
"""

from __future__ import annotations

import polars as pl

from metrics_lake.model.metrics import Metric
from metrics_lake.model.tables import Table
from metrics_lake.silver import downloads
from metrics_lake.silver.downloads import ALL

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
    is_summed BOOLEAN NOT NULL COMMENT 'Whether a figure is a sum of finer rows, for want of one of the store itself'
    is_partial BOOLEAN COMMENT 'Whether a row that it is made of could not be read, and no older whole report tells it'
    """,
)
FIGURES = ("downloads", "redownloads", "updates", "uninstalls", "active_devices")
KEY = ("month", "downloaded_on", "tenant", "store", "app", "country", "device")
_OWN, _OF_COUNTRIES, _OF_DEVICES = 0, 1, 2  # the better source first


def compute(rows: pl.DataFrame) -> pl.DataFrame:
    """From silver.downloads, whole days of it: each row as it is, and totals of those that the store gives none for."""
    is_of_country, is_of_device = pl.col("country") != ALL, pl.col("device") != ALL
    is_of_both, of_all = is_of_country & is_of_device, {"country": pl.lit(ALL), "device": pl.lit(ALL)}
    candidates = pl.concat(
        [
            rows.with_columns(source_rank=_OWN),
            rows.filter(is_of_both).with_columns(device=pl.lit(ALL), source_rank=_OF_COUNTRIES),
            rows.filter(is_of_both).with_columns(country=pl.lit(ALL), source_rank=_OF_COUNTRIES),
            rows.filter(is_of_country).with_columns(**of_all, source_rank=_OF_COUNTRIES),
            rows.filter(~is_of_country & is_of_device).with_columns(**of_all, source_rank=_OF_DEVICES),
        ]
    )
    best = candidates.with_columns(_of_best_source(name) for name in FIGURES)
    is_used = pl.any_horizontal(pl.col(name).is_not_null() for name in FIGURES)
    figures = best.with_columns(
        source_rank=pl.when(is_used).then("source_rank"),
        downloads_from=pl.when(pl.col("downloads").is_not_null()).then("downloads_from"),
    )
    summed = figures.group_by(KEY).agg(
        *(downloads.summed(name) for name in FIGURES),
        pl.col("downloads_from").max(),
        is_summed=(pl.col("source_rank").max() > _OWN).fill_null(False),
        is_partial=pl.any_horizontal(
            (pl.col("is_partial") & pl.col("source_rank").is_not_null()).any(),
            *(downloads.is_too_large(name) for name in FIGURES),
        ),
    )
    return summed.select(TABLE.names).sort(KEY)


def _of_best_source(name: str) -> pl.Expr:
    """A figure where its row is of the best source that has it, else null."""
    rank = pl.when(pl.col(name).is_not_null()).then("source_rank")
    return pl.when(pl.col("source_rank") == rank.min().over(KEY)).then(name).alias(name)


METRIC = Metric(TABLE, "month", compute)
