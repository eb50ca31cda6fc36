"""`listening` documents, one for each stream and hour or day; and what any range of them says together."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timezone
from typing import Any

from datasketches import compact_theta_sketch, theta_union

from metrics_lake.periods import Calendar
from metrics_lake.serve.figures import Row, excluded, rounded, summary
from metrics_lake.serve.revisions import revision_of
from metrics_lake.serve.rollups import Standing

CONTAINER = "listening"
_SKETCH_LOG_ENTRIES = 12
RELATIVE_ERROR = 0.016  # of a Theta sketch with 4,096 entries (definitions.md section 7)


def stamp(start: datetime | date) -> str:
    """How an hour (an instant) or a day (a date) is written in an id."""
    if isinstance(start, datetime):
        return start.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return start.isoformat()


def day_document(tenant: str, row: Row, calendar: Calendar, standing: Standing) -> Row:
    period = calendar.day(row["listened_on"])
    return _document(tenant, "day", row, stamp(row["listened_on"]), period.start, period.end, standing)


def hour_document(tenant: str, row: Row, standing: Standing) -> Row:
    return _document(tenant, "hour", row, stamp(row["hour_at"]), row["hour_at"], row["hour_ends_at"], standing)


def _document(
    tenant: str, grain: str, row: Row, start: str, begins: datetime, ends: datetime, standing: Standing
) -> Row:
    seconds = int((ends - begins).total_seconds())
    figures = summary([row], unique_listeners=row["unique_listeners"], seconds=seconds)
    sketch = row["unique_sketch"]
    return {
        "id": f"{row['stream']}:{grain}:{start}",
        "tenant": tenant,
        "stream": row["stream"],
        "grain": grain,
        "start": start,
        "begins_at": stamp(begins),
        "ends_at": stamp(ends),
        **figures,
        "peak_at": stamp(figures["peak_at"]) if figures["peak_at"] else None,
        "listening_seconds": rounded(row["listening_seconds"]),
        "length_seconds": rounded(row["length_seconds"]),
        "length_count": row["length_count"],
        "excluded": excluded([row]),
        "unique_sketch": base64.b64encode(sketch).decode() if sketch else None,
        "status": standing.status(ends),
    }


def revised(new: Row, old: Row | None) -> Row | None:
    """The document to write in place of an old one; None where nothing changed. A number that changed raises it."""
    revision = revision_of(new, old, stamps=("revision",), not_numbers=("status",))
    return None if revision is None else {**new, "revision": revision}


def total(documents: Sequence[Row], *, seconds: int) -> Row:
    """The summary of consecutive documents of one stream; uniques by union of their sketches, and how sure they are."""
    rows = [{**document, "sessions_started": document["total_sessions"]} for document in documents]
    uniques = unique_listeners(documents)
    return {**summary(rows, unique_listeners=uniques["value"], seconds=seconds), "unique_listeners": uniques}


def unique_listeners(documents: Iterable[Row]) -> dict[str, Any]:
    """Distinct listeners over documents of any hours, days and streams, and whether the number is exact or estimated."""
    documents = list(documents)
    if len(documents) == 1:
        return {"value": documents[0]["unique_listeners"], "method": "exact", "relative_error": 0.0}
    union = theta_union(_SKETCH_LOG_ENTRIES)
    for document in documents:
        if document["unique_sketch"]:
            union.update(compact_theta_sketch.deserialize(base64.b64decode(document["unique_sketch"])))
    found = union.get_result()
    if found.is_estimation_mode():
        return {"value": round(found.get_estimate()), "method": "theta", "relative_error": RELATIVE_ERROR}
    return {"value": round(found.get_estimate()), "method": "exact", "relative_error": 0.0}
