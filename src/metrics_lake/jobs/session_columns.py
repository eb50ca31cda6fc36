"""What Spark works out of sessions before their parts go to workers: what silver and gold work out in Polars, in Spark's words.

Workers can't do it for Spark: the days decide to which parts a session goes, and Bucketizer is Spark's own. Tests hold each
to its like: tests/lake/test_tenant_days.py, tests/lake/test_session_lengths.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from pyspark.ml.feature import Bucketizer
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metrics_lake.model.periods import Calendar, Stretch
from metrics_lake.silver.tenant_days import DAY_SECONDS

_DAY = timedelta(days=1)


def with_length_bucket(sessions: DataFrame, edges_minutes: Sequence[int]) -> DataFrame:
    """Adds `at_least_minutes`: the lower edge of the bucket that a session's full length lies in."""
    length_ms = F.unix_millis("ended_at") - F.unix_millis("started_at")  # null where the end is not known
    length = F.coalesce(length_ms, F.lit(0)) / F.lit(60_000.0)
    splits = [*map(float, edges_minutes), float("inf")]
    bucketizer = Bucketizer(splits=splits, inputCol="length_minutes", outputCol="place")
    placed = bucketizer.transform(sessions.withColumn("length_minutes", length))
    edges = F.array(*map(F.lit, edges_minutes))
    return placed.withColumn("at_least_minutes", edges[F.col("place").cast("int")]).drop("length_minutes", "place")


def last_known() -> Column:
    """The last instant known of a session: its end, or where that isn't known its last request."""
    return F.coalesce("ended_at", "last_request_at")


def days_touched(clocks: Mapping[str, Calendar], first_on: date, last_on: date) -> Column:
    """The days that a session touches, as far as they lie between two days; null where the tenant has no clock.

    A session that begins before these days or reaches beyond them touches the day before or after them too.
    """
    first_on, last_on = first_on - _DAY, last_on + _DAY
    tenants: dict[tuple[Stretch, ...], list[str]] = {}
    for tenant, clock in clocks.items():
        tenants.setdefault(clock.stretches(first_on, last_on), []).append(tenant)
    return F.sequence(*(_day(instant, tenants) for instant in (F.col("started_at"), last_known())))


def _day(instant: Column, tenants: Mapping[tuple[Stretch, ...], list[str]]) -> Column:
    """Flat cases and no nested ones: Spark's compiler gives up on what is deep."""
    of_tenant, second = F.when(F.lit(False), F.lit(None).cast("date")), F.unix_seconds(instant)
    for stretches, names in tenants.items():
        on = F.when(F.lit(False), F.lit(None).cast("date"))
        for stretch in reversed(stretches[1:]):
            on = on.when(second >= F.lit(stretch.start_second), _in_stretch(second, stretch))
        day = on.otherwise(_in_stretch(second, stretches[0]))
        of_tenant = of_tenant.when(F.col("tenant").isin(names), day)
    return of_tenant


def _in_stretch(second: Column, stretch: Stretch) -> Column:
    number = F.floor((second - F.lit(stretch.start_second)) / F.lit(DAY_SECONDS))
    return F.date_add(
        F.lit(stretch.first_on), F.greatest(F.least(number, F.lit(stretch.days - 1)), F.lit(0)).cast("int")
    )
