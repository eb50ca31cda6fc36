"""Listening over any range of whole hours, from the documents: no Spark, no lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from metrics_lake.config.tenants import ALL_STREAMS
from metrics_lake.coverage.covered import WHOLE, Covered
from metrics_lake.model.periods import Calendar
from metrics_lake.serve import listening, uniques
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.sums import Row

if TYPE_CHECKING:
    from metrics_lake.io.documents.store import DocumentStore

_DAY = timedelta(days=1)
_Pieces = list[list[Row]]  # of each stream its consecutive documents, in order
_Bucket = tuple[datetime, datetime, str]  # both ends, and its name
_NEWS = ("new_listeners", "returning_listeners")


@dataclass(frozen=True)
class Answer:
    """A range's total, and one summary for each bucket of it; none if nothing is known of the range.

    The `start` of a bucket is a date or a period's name, of an hour the instant on the tenant's clock, with its offset. Figures
    of a bucket of which nothing is known are null, never 0.
    """

    tenant: str
    stream: str
    words: str  # the range as people say it
    start: str
    end: str
    by: str
    timezone: str
    total: Row
    buckets: list[Row]
    excluded: dict[str, int]
    complete_through: str | None = None


@dataclass(frozen=True)
class ListeningQuery:
    """A tenant's streams (`*` alone, or some of them) between two instants on the hour, end exclusive.

    With `new_since` the answer says too how many listeners had not listened between then and the start of the range, or bucket.
    """

    store: DocumentStore
    tenant: str
    calendar: Calendar
    streams: Sequence[str]
    start: datetime
    end: datetime
    key_rotation: str = "never"
    new_since: datetime | None = None
    restatement: timedelta = _DAY

    def answer(self, by: str) -> Answer:
        pieces = [list(self._pieces(stream, self.start, self.end)) for stream in self.streams]
        before = self._before()
        total = self._summary(pieces, self.start, self.end, before)
        excluded: dict[str, int] = {}
        for reason, number in (
            pair for of_stream in pieces for document in of_stream for pair in document["excluded"].items()
        ):
            excluded[reason] = excluded.get(reason, 0) + number
        zone = self.calendar.zone
        return Answer(
            self.tenant, ", ".join(self.streams), self._words(), self.start.astimezone(zone).isoformat(),
            self.end.astimezone(zone).isoformat(), by, self.calendar.timezone,
            total=total,
            buckets=list(self._buckets(self._hours_of_all() if by == "hour" else pieces, by, before))
            if total["total_sessions"] is not None else [],
            excluded=dict(sorted(excluded.items())),
            complete_through=self._through.astimezone(zone).isoformat() if self._through else None,
        )  # fmt: skip

    def _words(self) -> str:
        """Whole days with the last included, else hours with the last excluded."""
        first_on, last_on = self.calendar.day_of(self.start), self.calendar.day_of(self.end - timedelta(microseconds=1))
        if (self.start, self.end) == (self.calendar.day_start(first_on), self.calendar.day_start(last_on + _DAY)):
            return f"{first_on} to {last_on}"
        return " to ".join(f"{end.astimezone(self.calendar.zone):%Y-%m-%d %H:%M}" for end in (self.start, self.end))

    def _before(self) -> uniques.Union | None:
        if self.new_since is None:
            return None
        return uniques.Union(
            document for stream in self.streams for document in self._pieces(stream, self.new_since, self.start)
        )

    def _buckets(self, pieces: _Pieces, by: str, before: uniques.Union | None) -> Iterator[Row]:
        """Each bucket, in order; who was in an earlier one is no new listener in a later."""
        grouped: dict[_Bucket, _Pieces] = {bucket: [[] for _ in pieces] for bucket in self._buckets_of_range(by)}
        for place, document in ((place, d) for place, of_stream in enumerate(pieces) for d in of_stream):
            grouped.setdefault(self._bucket(document, by), [[] for _ in pieces])[place].append(document)
        for (start, end, name), bucket in sorted(grouped.items()):
            # a week or month may reach over the range's ends
            yield {"start": name, **self._summary(bucket, max(start, self.start), min(end, self.end), before)}
            if before:
                before.add(document for of_stream in bucket for document in of_stream)

    def _buckets_of_range(self, by: str) -> Iterator[_Bucket]:
        """Every bucket; none where documents of an older version don't say what is covered: then those with figures alone."""
        is_known = self._covered is not WHOLE
        for on in self.calendar.days(self.start, self.end - timedelta(microseconds=1)) if is_known else ():
            if by == "hour":
                hours = (hour for hour in self.calendar.hours(on) if self.start <= hour.start < self.end)
                zone = self.calendar.zone
                yield from ((hour.start, hour.end, hour.start.astimezone(zone).isoformat()) for hour in hours)
            elif self.calendar.has_day(on):
                yield self._period(on, by)

    def _bucket(self, document: Row, by: str) -> _Bucket:
        begins = listening.instant(document["begins_at"])
        if by == "hour":
            return begins, listening.instant(document["ends_at"]), begins.astimezone(self.calendar.zone).isoformat()
        return self._period(self.calendar.day_of(begins), by)

    def _period(self, on: date, by: str) -> _Bucket:
        period = {"day": self.calendar.day, "week": self.calendar.week, "month": self.calendar.month}[by](on)
        return period.start, period.end, period.name

    def _summary(self, pieces: _Pieces, start: datetime, end: datetime, before: uniques.Union | None) -> Row:
        flat = [document for of_stream in pieces for document in of_stream]
        seconds, covered_seconds = int((end - start).total_seconds()), self._covered.seconds(start, end)
        status = self._data_status.status(end) if self._data_status else "provisional"
        if not flat and (self._covered is WHOLE or not covered_seconds):
            news = dict.fromkeys(_NEWS, uniques.UNKNOWN) if before else {}
            return {**listening.unknown(seconds=seconds), "status": status, **news}
        unique = uniques.count(flat)
        if unique["method"] != "exact" and len(self.streams) == 1:
            known = self._named.get((listening.stamp(start), listening.stamp(end)))
            unique = unique if known is None else uniques.exactly(known)
        more = {}
        if before and self.new_since:
            new, returning = uniques.new_and_returning(unique, uniques.Union(flat), before)
            marked = (uniques.over(number, self.new_since, end, self.key_rotation) for number in (new, returning))
            more = dict(zip(_NEWS, marked, strict=True))
        unique = uniques.over(unique, start, end, self.key_rotation)
        figures = listening.total(pieces, unique, seconds=seconds, covered_seconds=covered_seconds)
        return {**figures, "status": status, **more}

    @cached_property
    def _all_time(self) -> Row | None:
        """The document that says how complete the tenant's data is."""
        return next(iter(self._documents(ALL_STREAMS, "all", "all", "all")), None)

    @cached_property
    def _covered(self) -> Covered:
        return listening.covered_of(self._all_time)

    @cached_property
    def _through(self) -> datetime | None:
        text = (self._all_time or {}).get("complete_through")
        return listening.instant(text) if text else None

    @property
    def _data_status(self) -> DataStatus | None:
        return DataStatus(self._through, self.restatement) if self._through else None

    @cached_property
    def _named(self) -> dict[tuple[str, str], int]:
        """The listeners of each published period longer than a day, which were counted one by one, by its two ends."""
        by_kind = (self._documents(self.streams[0], kind, "", "~") for kind in listening.LONGER)
        return {
            (document["begins_at"], document["ends_at"]): document["unique_listeners"]
            for documents in by_kind
            for document in documents
        }

    def _pieces(self, stream: str, start: datetime, end: datetime) -> Iterator[Row]:
        """The documents that make up a stretch of time: whole days, and the hours before the first and after the last."""
        first_on, end_on = self.calendar.day_of(start), self.calendar.day_of(end)
        if self.calendar.day_start(first_on) < start:
            first_on += _DAY
        if first_on >= end_on:
            yield from self._hours(stream, start, end)
            return
        yield from self._hours(stream, start, self.calendar.day_start(first_on))
        yield from self._days(stream, first_on, end_on - _DAY)
        yield from self._hours(stream, self.calendar.day_start(end_on), end)

    def _hours_of_all(self) -> _Pieces:
        return [list(self._hours(stream, self.start, self.end)) for stream in self.streams]

    def _hours(self, stream: str, start: datetime, end: datetime) -> list[Row]:
        low, high = listening.stamp(start), listening.stamp(end)
        if low >= high:
            return []
        return [hour for hour in self._documents(stream, "hour", low, high) if hour["start"] < high]

    def _days(self, stream: str, first_on: date, last_on: date) -> list[Row]:
        return self._documents(stream, "day", listening.stamp(first_on), listening.stamp(last_on))

    def _documents(self, stream: str, grain: str, low: str, high: str) -> list[Row]:
        return self.store.between(
            listening.CONTAINER, self.tenant, f"{stream}:{grain}:{low}", f"{stream}:{grain}:{high}"
        )
