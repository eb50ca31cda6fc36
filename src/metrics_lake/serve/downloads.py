"""`downloads` documents, one for each app, day and country, and the answer for any range of days. Unknown is never zero.

Pure: rows and documents in, documents and answers out. A day that an app store has not reported has no document; a figure
that it does not report is null.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from metrics_lake.config.tenants import App
from metrics_lake.serve.revisions import revision_of
from metrics_lake.serve.sums import Row

CONTAINER = "downloads"
ALL = "*"
PARTIAL = "partial"  # present only where true: a row of the store's report can't be parsed
FIGURES = ("downloads", "redownloads", "updates", "uninstalls", "active_devices")
_ADDITIVE = FIGURES[:-1]
_DAY = timedelta(days=1)


def documents(rows: Iterable[Row]) -> list[Row]:
    """Documents of rows of gold.downloads_by_day: each country's, with its devices that had downloads."""
    rows = list(rows)
    devices: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        if row["device"] != ALL and row["downloads"]:
            devices[_id(row)][row["device"]] = row["downloads"]
    return [
        {
            "id": _id(row),
            "tenant": row["tenant"],
            "store": row["store"],
            "app": row["app"],
            "date": row["downloaded_on"].isoformat(),
            "country": row["country"],
            **{name: row[name] for name in FIGURES},
            "devices": dict(sorted(devices[_id(row)].items())),
            "downloads_from": row["downloads_from"],
            "is_summed": row["is_summed"],
            **({PARTIAL: True} if row.get("is_partial") else {}),
        }
        for row in rows
        if row["device"] == ALL
    ]


def _id(row: Row) -> str:
    return f"{row['store']}:{row['app']}:{row['downloaded_on'].isoformat()}:{row['country']}"


def ids_between(store: str, app: str, first: str, last: str) -> tuple[str, str]:
    """Bounds of all ids that documents of these days may have, the days as texts."""
    return f"{store}:{app}:{first}", f"{store}:{app}:{last};"  # which follows on `:`, whatever a country is called


def is_of(app: App, id_: str) -> bool:
    """Whether a document is one of the app's, by its id."""
    return id_.startswith(f"{app.store}:{app.id}:")


def revised(new: Row, old: Row | None) -> Row | None:
    """The document to write in place of an old one; None where nothing changed. A number that changed raises it."""
    revision = revision_of(new, old, stamps=("revision",), not_numbers=("downloads_from", "is_summed", PARTIAL))
    return None if revision is None else {**new, "revision": revision}


@dataclass(frozen=True)
class Answer:
    """What a range of days holds: its total, its buckets, and by app the days that no store has reported yet, those whose
    figures lack a row that can't be read, and what its downloads were taken from, two where the range mixes them.

    `by` is day, store, country or app. A bucket is named by `start` (a day) or `value`.
    """

    tenant: str
    first_on: date
    last_on: date
    by: str
    total: Row
    buckets: list[Row]
    unknown: dict[str, list[str]]
    partial: dict[str, list[str]] = field(default_factory=dict)
    downloads_from: dict[str, list[Row]] = field(default_factory=dict)


def answer(
    tenant: str, apps: Sequence[App], documents: Sequence[Row], first_on: date, last_on: date, by: str
) -> Answer:  # fmt: skip
    """The answer from the documents of these apps and days."""
    days = [(first_on + _DAY * n).isoformat() for n in range((last_on - first_on).days + 1)]
    whole = whole_countries(documents)
    unknown = unknown_days(apps, whole, days)
    if by == "day":
        by_day = grouped(whole, lambda document: document["date"])
        lacking = {on: [app for app, missing in unknown.items() if on in missing] for on in days}
        buckets = [{"start": on, **summed(by_day.get(on, [])), "unknown": lacking[on]} for on in days]
    else:
        buckets = by_value(documents if by == "country" else whole, by)
    return Answer(
        tenant, first_on, last_on, by, summed(whole), buckets, unknown, partial_days(documents), downloads_from(whole)
    )


def whole_countries(documents: Iterable[Row]) -> list[Row]:
    """The documents that speak of all countries together."""
    return [document for document in documents if document["country"] == ALL]


def partial_days(documents: Iterable[Row]) -> dict[str, list[str]]:
    """For each app: the days of which a row of the store's report can't be read."""
    days: dict[str, set[str]] = defaultdict(set)
    for document in documents:
        if document.get(PARTIAL):
            days[_KEYS["app"](document)].add(document["date"])
    return {app: sorted(of_app) for app, of_app in sorted(days.items())}


def downloads_from(whole: Iterable[Row]) -> dict[str, list[Row]]:
    """For each app: what its downloads were taken from, `from`, on the days from `first_on` to `last_on`."""
    runs: dict[str, list[Row]] = defaultdict(list)
    for document in sorted(whole, key=lambda document: str(document["date"])):
        column, of_app = document.get("downloads_from"), runs[_KEYS["app"](document)]
        if column and (not of_app or of_app[-1]["from"] != column):
            of_app.append({"from": column, "first_on": document["date"], "last_on": document["date"]})
        elif column:
            of_app[-1]["last_on"] = document["date"]
    return {app: of_app for app, of_app in sorted(runs.items()) if of_app}


def unknown_days(apps: Sequence[App], whole: Iterable[Row], days: Sequence[str]) -> dict[str, list[str]]:
    """For each app: the days that its store has not reported. An app that has them all is left out."""
    known = {(document["store"], document["app"], document["date"]) for document in whole}
    missing = {f"{app.store}:{app.id}": [on for on in days if (app.store, app.id, on) not in known] for app in apps}
    return {app: lacking for app, lacking in missing.items() if lacking}


def summed(documents: Iterable[Row]) -> Row:
    """Sums of documents of one country each; a figure that none of them has is null.

    Devices in use don't add up over days: each app's last day with a number counts.
    """
    documents = list(documents)
    total: Row = {name: _sum(document[name] for document in documents) for name in _ADDITIVE}
    newest: dict[tuple[str, str, str], Row] = {}
    for document in sorted(documents, key=lambda document: str(document["date"])):
        if document["active_devices"] is not None:
            newest[document["store"], document["app"], document["country"]] = document
    return {**total, "active_devices": _sum(document["active_devices"] for document in newest.values())}


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def grouped(documents: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for document in documents:
        groups[key(document)].append(document)
    return groups


_KEYS: Mapping[str, Callable[[Row], Any]] = {
    "store": lambda document: document["store"],
    "app": lambda document: f"{document['store']}:{document['app']}",
    "country": lambda document: document["country"],
}


def by_value(documents: Iterable[Row], by: str) -> list[Row]:
    """A bucket for each store, app or country, the most downloaded first; countries without the row for all of them."""
    groups = grouped(documents, _KEYS[by])
    buckets = [{"value": value, **summed(group)} for value, group in groups.items() if by != "country" or value != ALL]
    return sorted(buckets, key=lambda bucket: (-(bucket["downloads"] or 0), bucket["value"]))
