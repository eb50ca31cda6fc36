"""Distinct listeners of any set of documents, as a number that says how sure it is: exact, or estimated by sketches.

A session's listener has another id in each epoch of the keys (definitions.md section 8). So a number over several epochs
is the sum of theirs by itself, and only has to say so.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from datasketches import compact_theta_sketch, theta_a_not_b, theta_union

from metrics_lake.privacy.hashing import epoch_of
from metrics_lake.serve.sums import Row

LOG_ENTRIES = 12
RELATIVE_ERROR = 0.016  # standard error of a Theta sketch with 4,096 entries (definitions.md section 7)
_INSTANT = timedelta(microseconds=1)
UNKNOWN: dict[str, Any] = {"value": None, "method": "exact", "relative_error": 0.0}  # not zero: nothing is known


def exactly(number: int) -> dict[str, Any]:
    return {"value": number, "method": "exact", "relative_error": 0.0}


def estimated(number: int, relative_error: float) -> dict[str, Any]:
    return {"value": number, "method": "theta", "relative_error": relative_error}


class Union:
    """The listeners of all documents that were added."""

    def __init__(self, documents: Iterable[Row] = ()) -> None:
        self._union = theta_union(LOG_ENTRIES)
        self.add(documents)

    def add(self, documents: Iterable[Row]) -> None:
        for document in documents:
            if document["unique_sketch"]:
                self._union.update(compact_theta_sketch.deserialize(base64.b64decode(document["unique_sketch"])))

    @property
    def sketch(self) -> Any:
        return self._union.get_result()

    @property
    def number(self) -> dict[str, Any]:
        """How many there are; exact as long as all of them fit the sketch."""
        sketch = self.sketch
        number = round(sketch.get_estimate())
        return estimated(number, RELATIVE_ERROR) if sketch.is_estimation_mode() else exactly(number)


def count(documents: Iterable[Row]) -> dict[str, Any]:
    """Distinct listeners over documents of any hours, days and streams; a single document knows its own exactly."""
    documents = list(documents)
    return exactly(documents[0]["unique_listeners"]) if len(documents) == 1 else Union(documents).number


def new_and_returning(unique: Row, now: Union, before: Union) -> tuple[Row, Row]:
    """Of the `unique` listeners of now, those who were not there before, and the rest.

    The error of a difference is that of the sketch it leaves: larger, for its size, the smaller it is.
    """
    left = theta_a_not_b().compute(now.sketch, before.sketch)
    new = min(round(left.get_estimate()), unique["value"])
    returning = unique["value"] - new
    if not left.is_estimation_mode() and unique["method"] == "exact":
        return exactly(new), exactly(returning)
    error = left.get_upper_bound(1) - left.get_estimate()
    total_error = error + unique["value"] * unique["relative_error"]
    return estimated(new, _relative(error, new)), estimated(returning, _relative(total_error, returning))


def _relative(error: float, number: int) -> float:
    return round(error / max(number, 1), 4)


def over(unique: Row, start: datetime, end: datetime, key_rotation: str) -> Row:
    """The number, marked if the keys of listeners changed between these instants."""
    return {**unique, "crosses_epoch": True} if crosses_epoch(start, end, key_rotation) else unique


def crosses_epoch(start: datetime, end: datetime, key_rotation: str) -> bool:
    """Whether listeners of a stretch of time, its end excluded, have ids under more than one key."""
    return epoch_of(start, key_rotation) != epoch_of(max(start, end - _INSTANT), key_rotation)
