"""Which figure of a day was another before, and because of which files?

Grain: tenant, stream, day, figure, version of the sessions that changed it. Every later log restates something: a
stream is logged when it ends. Catch: a day's first figures are no restatement.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from metrics_lake.model.tables import Table

TABLE = Table(
    "bronze.restatements",
    partitioned_by=("listened_on",),
    keep=timedelta(days=400),
    columns="""
    listened_on DATE NOT NULL COMMENT 'Day on the clock of the tenant whose figure changed'
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    figure STRING NOT NULL COMMENT 'A column of gold.listening_by_day'
    was DOUBLE NOT NULL COMMENT 'What it was before; 0 where the day had none'
    became DOUBLE NOT NULL COMMENT 'What it is since'
    sessions_version BIGINT NOT NULL COMMENT 'The version of silver.sessions that changed it'
    paths ARRAY<STRING> NOT NULL COMMENT 'Files that brought requests of the day since, as bronze.files names them'
    """,
)
FIGURES = (
    "sessions_started", "sessions_completed", "sessions_active", "listening_seconds", "unique_listeners",
    "peak_listeners",
)  # fmt: skip
_DAY = ("listened_on", "tenant")
_FIGURE = (*_DAY, "stream", "figure")


def compute(old: pl.DataFrame, new: pl.DataFrame, causes: pl.DataFrame, *, sessions_version: int) -> pl.DataFrame:
    """From rows of gold.listening_by_day, before and after, and the files of each day (path) to what changed, in order.

    A day of a tenant that had no figures at all is not restated, but begun.
    """
    begun = old.select(_DAY).unique()
    both = _tall(old, "was").join(_tall(new, "became"), on=(*_DAY, "stream", "figure"), how="full", coalesce=True)
    changed = both.with_columns(pl.col("was", "became").fill_null(0.0)).filter(pl.col("was") != pl.col("became"))
    files = causes.group_by(_DAY).agg(paths=pl.col("path").unique().sort())
    restated = changed.join(begun, on=_DAY, how="semi").join(files, on=_DAY, how="left").with_columns(
        pl.col("paths").fill_null([]), sessions_version=pl.lit(sessions_version, dtype=pl.Int64)
    )  # fmt: skip
    return restated.sort(*_DAY, "stream", "figure")


def joined(stored: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Rows of one version of sessions, with what is new of it: other settings, or the same day asked for again, change
    other figures than the sessions did. A figure that changed twice was what it was at first; one that changed back is none.
    """
    first = stored.select(*_FIGURE, first_was="was", first_paths="paths")
    again = new.join(first, on=_FIGURE, how="left").with_columns(
        was=pl.coalesce("first_was", "was"), paths=pl.coalesce("first_paths", "paths")
    )
    rest = stored.join(new, on=_FIGURE, how="anti")
    both = pl.concat([rest, again.select(rest.columns)], how="vertical_relaxed")
    return both.filter(pl.col("was") != pl.col("became")).sort(*_FIGURE)


def _tall(days: pl.DataFrame, name: str) -> pl.DataFrame:
    figures = days.select(*_DAY, "stream", *(pl.col(figure).cast(pl.Float64) for figure in FIGURES))
    return figures.unpivot(FIGURES, index=[*_DAY, "stream"], variable_name="figure", value_name=name)
