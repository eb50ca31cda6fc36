"""Session buckets: one row for each session and bucket of time (day, hour, period) that it lies in.

What every metric starts from: frames of one tenant's sessions, in Polars, with times as whole milliseconds (UTC). A
session is active in the buckets it overlaps (half-open); one without length, or without a known end, is active in
the bucket of its start. One that ends just where a bucket begins is completed there, and not active
(definitions.md section 4).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone

import polars as pl

from metrics_lake.config.tenants import ALL_STREAMS
from metrics_lake.model.periods import Calendar

_DAY = timedelta(days=1)
_BUCKET = {"bucket_starts": pl.Int64, "bucket_ends": pl.Int64}


def of(sessions: pl.DataFrame) -> pl.DataFrame:
    """Rows of silver.sessions with started and ended (null where not known), is_net, and listener, a number."""
    return sessions.with_columns(
        started=pl.col("started_at").dt.epoch("ms"),
        ended=pl.col("ended_at").dt.epoch("ms"),
        is_net=pl.col("exclusion").is_null(),
        listener=pl.col("listener_id").rank("dense").cast(pl.UInt32),
    ).drop("started_at", "ended_at")


def milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


def hours(calendar: Calendar, days: Iterable[date]) -> pl.DataFrame:
    """The hours of these days, in order: listened_on, bucket_starts, bucket_ends, hour_of_day, before_ends.

    `before_ends` is the end of the hour before in which the clock showed the same.
    """
    rows = list[tuple[date, int, int, int, int]]()
    before, last = dict[int, datetime](), date.min
    for on in sorted(set(days)):
        if on != last + _DAY:  # an hour that was skipped the day before was shown the day before that
            before = {h.of_day: h.end for back in (2, 1) for h in calendar.hours(on - _DAY * back)}
        for hour in calendar.hours(on):
            same_ends = before.get(hour.of_day, hour.start - _DAY)
            rows.append((on, milliseconds(hour.start), milliseconds(hour.end), hour.of_day, milliseconds(same_ends)))
            before[hour.of_day] = hour.end
        last = on
    schema = {"listened_on": pl.Date, **_BUCKET, "hour_of_day": pl.Int32, "before_ends": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def in_bucket(sessions: pl.DataFrame, starts: int, ends: int) -> pl.DataFrame:
    """The sessions that lie in one bucket, with the columns of `inside`."""
    return inside(sessions.with_columns(bucket_starts=pl.lit(starts), bucket_ends=pl.lit(ends)))


def in_hours(buckets: pl.DataFrame, hours: pl.DataFrame) -> pl.DataFrame:
    """Session buckets of a stretch of time, split by its `hours` (without a gap), with the columns of `inside`."""
    edges = hours["bucket_starts"]
    until = pl.max_horizontal("from_ms", pl.col("to_ms") - 1, pl.when("is_ended").then("ended"))
    first, last = (
        edges.search_sorted(buckets.select(at=at)["at"], side="right").cast(pl.Int64) - 1
        for at in (pl.col("from_ms"), until)
    )
    places = pl.int_ranges(first, last + 1, eager=True)
    numbered = hours.with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64)).drop("listened_on")
    by_hour = buckets.drop(_BUCKET).with_columns(place=places).explode("place")
    return inside(by_hour.join(numbered, on="place").drop("place"))


def inside(rows: pl.DataFrame) -> pl.DataFrame:
    """Of rows with a bucket, those that lie in it; adds is_started, is_ended, is_active, from_ms and to_ms."""
    starts, ends, started, ended = (pl.col(name) for name in (*_BUCKET, "started", "ended"))
    is_started = (started >= starts) & (started < ends)
    return (
        rows.with_columns(
            is_started=is_started,
            is_ended=((ended >= starts) & (ended < ends)).fill_null(False),
            is_active=is_started | ((started < ends) & (ended > starts)).fill_null(False),
            from_ms=pl.max_horizontal(started, starts),
        )
        .filter(pl.col("is_active") | pl.col("is_ended"))
        .with_columns(to_ms=pl.max_horizontal("from_ms", pl.min_horizontal(pl.coalesce(ended, started), ends)))
    )


def with_whole_tenant(rows: pl.DataFrame) -> pl.DataFrame:
    """Each row twice: for its stream, and for the tenant as a whole."""
    return pl.concat([rows, rows.with_columns(stream=pl.lit(ALL_STREAMS))])


def instant(milliseconds: str) -> pl.Expr:
    """Whole milliseconds as an instant, UTC."""
    return pl.from_epoch(pl.col(milliseconds), time_unit="ms").cast(pl.Datetime("us", "UTC"))


def seconds(milliseconds: str | pl.Expr) -> pl.Expr:
    """Sums are made of whole milliseconds, so that any order adds up alike; what is stored is seconds."""
    column = pl.col(milliseconds) if isinstance(milliseconds, str) else milliseconds
    return column / 1000.0
