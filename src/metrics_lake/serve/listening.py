"""`listening` documents, one for each stream and hour, day or longer period; and what a range of them says together."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date, datetime, timezone

from metrics_lake.config.tenants import ALL_STREAMS
from metrics_lake.coverage.covered import WHOLE, Covered
from metrics_lake.model.periods import Calendar, Period
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.revisions import revision_of
from metrics_lake.serve.sums import Row, excluded_sessions, rounded, summary
from metrics_lake.serve.uniques import UNKNOWN

CONTAINER = "listening"
LONGER = ("week", "month", "year", "rolling", "all")  # kinds of period that have a document beside hour and day


def stamp(start: datetime | date) -> str:
    """How an hour (an instant) or a day (a date) is written in an id."""
    if isinstance(start, datetime):
        return start.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return start.isoformat()


def id_of(stream: str, grain: str, start: str) -> str:
    """The id of a document, unique within its tenant: `start` is a stamp, or the name of a longer period."""
    return f"{stream}:{grain}:{start}"


def day_document(tenant: str, row: Row, calendar: Calendar, data_status: DataStatus) -> Row:
    period = calendar.day(row["listened_on"])
    return _document(tenant, "day", row, stamp(row["listened_on"]), period.start, period.end, data_status)


def hour_document(tenant: str, row: Row, data_status: DataStatus) -> Row:
    return _document(tenant, "hour", row, stamp(row["hour_at"]), row["hour_at"], row["hour_ends_at"], data_status)


def _document(
    tenant: str, grain: str, row: Row, start: str, begins: datetime, ends: datetime, data_status: DataStatus
) -> Row:
    covered = data_status.covered(tenant)
    outside = covered.listening_outside(row["stream"], begins, ends)
    figures = summary(
        [row],
        unique_listeners=row["unique_listeners"],
        seconds=int((ends - begins).total_seconds()),
        covered_seconds=covered.seconds(begins, ends),
        outside_seconds=outside,
    )
    sketch = row["unique_sketch"]
    return {
        "id": id_of(row["stream"], grain, start),
        "tenant": tenant,
        "stream": row["stream"],
        "grain": grain,
        "start": start,
        "begins_at": stamp(begins),
        "ends_at": stamp(ends),
        **figures,
        "peak_at": stamp(figures["peak_at"]) if figures["peak_at"] else None,
        "listening_seconds": rounded(row["listening_seconds"]),
        "outside_seconds": rounded(outside),
        "length_seconds": rounded(row["length_seconds"]),
        "length_count": row["length_count"],
        "excluded": excluded_sessions([row]),
        "unique_sketch": base64.b64encode(sketch).decode() if sketch else None,
        "status": data_status.status(ends),
    }


def period_document(tenant: str, stream: str, period: Period, figures: Row, data_status: DataStatus) -> Row:
    """A week, month, year, rolling period or all of it, whose listeners were counted one by one: `figures` sum it up."""
    return {
        "id": id_of(stream, period.kind, period.name),
        "tenant": tenant,
        "stream": stream,
        "grain": period.kind,
        "start": period.name,
        "begins_at": stamp(period.start),
        "ends_at": stamp(period.end),
        **figures,
        "peak_at": stamp(figures["peak_at"]) if figures["peak_at"] else None,
        "status": data_status.status(period.end),
        **(_of_all_time(tenant, data_status) if (stream, period.kind) == (ALL_STREAMS, "all") else {}),
    }


def _of_all_time(tenant: str, data_status: DataStatus) -> Row:
    """How complete a tenant's data is: answers of any range need it, as a bucket without listening has no document."""
    spans = data_status.covered(tenant).spans if tenant in data_status.known else None
    return {
        "complete_through": stamp(data_status.complete_through),
        **({} if spans is None else {"covered": [[stamp(edge) for edge in span] for span in spans]}),
    }


def covered_of(document: Row | None) -> Covered:
    """What is covered, by the document of all time. WHOLE by none, or by one of an older version."""
    if document is None or "covered" not in document:
        return WHOLE
    return Covered(tuple((instant(start), instant(end)) for start, end in document["covered"]))


def instant(text: str) -> datetime:
    """The instant of a stamp."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def revised(new: Row, old: Row | None) -> Row | None:
    """The document to write in place of an old one; None where nothing changed. A number that changed raises it."""
    revision = revision_of(new, old, stamps=("revision",), not_numbers=("status", "complete_through"))
    return None if revision is None else {**new, "revision": revision}


def total(by_stream: Sequence[Sequence[Row]], unique: Row, *, seconds: int, covered_seconds: int | None = None) -> Row:
    """The summary of consecutive documents of one stream, or of several streams together.

    The peak of several streams is not known from theirs: it lies between the highest of them and their sum.
    """
    rows = [
        [{**document, "sessions_started": document["total_sessions"]} for document in documents]
        for documents in by_stream
    ]
    flat = [row for of_stream in rows for row in of_stream]
    outside = sum(row.get("outside_seconds", 0) for row in flat)
    figures = summary(
        flat, unique_listeners=0, seconds=seconds, covered_seconds=covered_seconds, outside_seconds=outside
    )
    if len(rows) > 1:
        active = sum(summary(of_stream, unique_listeners=0, seconds=seconds)["sessions_active"] for of_stream in rows)
        figures = {**figures, "sessions_active": active, "peak_listeners": None, "peak_at": None}
    return {**figures, "unique_listeners": unique}


def unknown(*, seconds: int) -> Row:
    """The summary of a stretch of time of which nothing is known: no figure is zero, each is null."""
    nothing = dict.fromkeys(summary([], unique_listeners=0, seconds=seconds))
    return {**nothing, "unique_listeners": UNKNOWN, "seconds": seconds, "covered_seconds": 0}
