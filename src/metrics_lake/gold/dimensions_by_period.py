"""Where did a period's listeners come from, and on what did they listen?

Grain: tenant, stream, period, dimension, value. Uniques are exact. Listeners are counted in shares, each listener in
one share only, and by the set of values that each had: so the counts of the shares add up, and those of values that
are folded together too, though a listener may have had several of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from metrics_lake.gold import session_buckets
from metrics_lake.gold.dimensions_by_day import value_of, with_values
from metrics_lake.gold.listening_by_period import KEYS
from metrics_lake.model import dimensions
from metrics_lake.model.metrics import Metric
from metrics_lake.model.tables import Table

if TYPE_CHECKING:
    from metrics_lake.gold.parts import Share

TABLE = Table(
    "gold.dimensions_by_period",
    partitioned_by=("kind",),
    columns=f"""
    tenant STRING NOT NULL COMMENT 'Whose stream'
    stream STRING NOT NULL COMMENT 'Which stream; * is the tenant as a whole'
    kind STRING NOT NULL COMMENT 'day, week, month, year, rolling or all'
    name STRING NOT NULL COMMENT 'Name of the period, such as 2001-W03'
    {dimensions.COLUMN}
    sessions_started BIGINT NOT NULL COMMENT 'Sessions that started in the period'
    listening_seconds DOUBLE NOT NULL COMMENT 'Listening in the period'
    unique_listeners BIGINT NOT NULL COMMENT 'Distinct listeners in the period'
    """,
)


OTHER = "(other)"
_GROUP = ("tenant", *KEYS, "dimension")
_VALUE = (*_GROUP, "dimension_value")


def share(part: Share) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a share of the listeners adds to each period: listeners by their set of values, and sums by value."""
    read = (*KEYS, "listener", "is_started", "from_ms", "to_ms")
    buckets = session_buckets.with_whole_tenant(with_values(part.buckets, read))
    texts = pl.col(*KEYS, *map(value_of, dimensions.NAMES)).cast(pl.Categorical)  # numbers group three times as fast
    buckets = buckets.select(texts, "listener", "is_started", ms=pl.col("to_ms") - pl.col("from_ms"))
    sets, sums = list[pl.DataFrame](), list[pl.DataFrame]()
    for name in dimensions.NAMES:
        by_listener = buckets.group_by(*KEYS, "listener", dimension_value=value_of(name)).agg(
            pl.col("is_started").sum().cast(pl.Int64), pl.col("ms").sum()
        )
        summed = by_listener.group_by(*KEYS, "dimension_value").agg(pl.col("is_started", "ms").sum())
        sets.append(_by_set(by_listener).with_columns(dimension=pl.lit(name)))
        sums.append(summed.with_columns(dimension=pl.lit(name)))
    return _in_words(pl.concat(sets)), _in_words(pl.concat(sums))


def _in_words(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.cast({pl.Categorical: pl.String, pl.List(pl.Categorical): pl.List(pl.String)})


def _by_set(by_listener: pl.DataFrame) -> pl.DataFrame:
    """How many listeners had just these values: KEYS, dimension_values (sorted), number. Most had one."""
    counted = by_listener.select(*KEYS, "listener", "dimension_value", several=pl.len().over(*KEYS, "listener") > 1)
    single = counted.filter(~pl.col("several")).group_by(*KEYS, "dimension_value").agg(number=pl.len())
    several = (
        counted.filter("several").group_by(*KEYS, "listener").agg(dimension_values=pl.col("dimension_value").sort())
    )
    return pl.concat([
        single.select(*KEYS, dimension_values=pl.concat_list("dimension_value"), number=pl.col("number").cast(pl.Int64)),
        several.group_by(*KEYS, "dimension_values").agg(number=pl.len().cast(pl.Int64)),
    ])  # fmt: skip


def compute(frames: Sequence[pl.DataFrame], minimum_group: int) -> pl.DataFrame:
    """The shares of the tenants' listeners together, one row a value, in order.

    Values with fewer than `minimum_group` listeners are one value, `(other)`.
    """
    sets, sums = frames
    sets = sets.group_by(*_GROUP, "dimension_values").agg(pl.col("number").sum()).with_row_index("set")
    by_value = sets.explode("dimension_values").rename({"dimension_values": "dimension_value"})
    counts = by_value.group_by(_VALUE).agg(pl.col("number").sum())
    small = _small(counts, minimum_group)
    uniques = (
        _folded(by_value, small).unique(["set", *_VALUE]).group_by(_VALUE).agg(unique_listeners=pl.col("number").sum())
    )
    totals = _folded(sums, small).group_by(_VALUE).agg(pl.col("is_started", "ms").sum())
    return totals.join(uniques, on=_VALUE).select(
        *_VALUE, "unique_listeners", sessions_started="is_started", listening_seconds=session_buckets.seconds("ms")
    ).sort(_VALUE)  # fmt: skip


def _small(counts: pl.DataFrame, minimum_group: int) -> pl.DataFrame:
    """The values to fold: those with too few listeners, and the next one where these together are too few.

    Else what was folded would follow from the total less the values shown.
    """
    folded = [dimension.name for dimension in dimensions.DIMENSIONS if dimension.is_folded]
    rising = counts.filter(pl.col("dimension").is_in(folded)).sort(*_GROUP, "number", "dimension_value")
    below = pl.col("number").cum_sum().shift(1).over(_GROUP)
    is_next = (below < minimum_group).fill_null(False)
    return rising.filter((pl.col("number") < minimum_group) | is_next).select(_VALUE, folded=pl.lit(OTHER))


def _folded(rows: pl.DataFrame, small: pl.DataFrame) -> pl.DataFrame:
    joined = rows.join(small, on=_VALUE, how="left")
    return joined.with_columns(dimension_value=pl.coalesce("folded", "dimension_value")).drop("folded")


METRIC = Metric(TABLE, "period", compute, share)
