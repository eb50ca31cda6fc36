"""The section `downloads`: the downloads of the tenant's apps in the period, only in the rollup of all its streams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from metrics_lake.config.tenants import ALL_STREAMS, App
from metrics_lake.serve import downloads
from metrics_lake.serve.downloads import FIGURES, PARTIAL
from metrics_lake.serve.rollup.json_schema import COUNT, DAY, TEXT, Schema, list_of, record
from metrics_lake.serve.rollup.section import RollupInput, Section
from metrics_lake.serve.sums import Row

OTHER = "(other)"
_MOST_DEVICES = 100


def render(rollup: RollupInput) -> Row | None:
    """None for a single stream, and where no app store has reported a day of the period."""
    if rollup.stream != ALL_STREAMS:
        return None
    context, period = rollup.context, rollup.period
    return of_days(context.apps, context.download_documents(period), period.days)


def of_days(apps: Sequence[App], documents: Sequence[Row], days: Sequence[date]) -> Row | None:
    """The section of these days, from their documents."""
    whole = downloads.whole_countries(documents)
    if not whole:
        return None
    texts = [on.isoformat() for on in days]
    missing = downloads.unknown_days(apps, whole, texts)
    unknown = {on: [app for app, of_app in missing.items() if on in of_app] for on in texts}
    by_day = downloads.grouped(whole, lambda document: document["date"])
    return {
        "summary": {
            **downloads.summed(whole),
            "days_reported": sum(not apps_missing for apps_missing in unknown.values()),
            "days_unknown": sum(bool(apps_missing) for apps_missing in unknown.values()),
        },
        "numbers": [_number(on, by_day[on], unknown[on]) for on in texts if on in by_day],
        "downloads_from": downloads.downloads_from(whole),
        "by_store": downloads.by_value(whole, "store"),
        "by_app": downloads.by_value(whole, "app"),
        "by_country": downloads.by_value(documents, "country"),
        "by_device": _by_device(whole),
    }


def _number(on: str, documents: Sequence[Row], unknown: list[str]) -> Row:
    is_partial = any(document.get(PARTIAL) for document in documents)
    number = {"start": on, **downloads.summed(documents), "unknown": unknown}
    return {**number, PARTIAL: True} if is_partial else number


def _by_device(documents: Iterable[Row]) -> list[Row]:
    """Downloads by device, the most first; all after the hundredth are one row, since Google reports every model."""
    total: dict[str, int] = defaultdict(int)
    for document in documents:
        for device, number in document["devices"].items():
            total[device] += number
    ordered = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(number for _, number in ordered[_MOST_DEVICES:])
    top = [{"value": device, "downloads": number} for device, number in ordered[:_MOST_DEVICES]]
    return [*top, {"value": OTHER, "downloads": rest}] if len(ordered) > _MOST_DEVICES else top


_FIGURES: dict[str, Schema] = {name: {"type": ["integer", "null"]} for name in FIGURES}
_BUCKETS = list_of(record({"value": TEXT, **_FIGURES}))
_DAYS_REPORTED = {**COUNT, "description": "Days that the stores of all apps have reported"}
_UNKNOWN = {**list_of(TEXT), "description": "Apps, as store:app, that are not among the day's figures as yet"}
_DAY = {**DAY, "description": "The day, as the stores count days"}
_PARTIAL = {
    "const": True,
    "description": "Only where a row of a store's report can't be read and no older whole report tells of the day: the figures "
    "lack it",
}
_DOWNLOADS_FROM = {
    "type": "object",
    "description": "By app, as store:app: what its downloads were taken from, units or a column of Google's; two where the "
    "period mixes them",
    "additionalProperties": list_of(record({"from": TEXT, "first_on": DAY, "last_on": DAY})),
}
SECTION = Section(
    "downloads",
    place=70,
    reads={},
    render=render,
    is_optional=True,
    schema=record(
        {
            "summary": record({"days_reported": _DAYS_REPORTED, "days_unknown": COUNT, **_FIGURES}),
            "numbers": list_of(
                record({"start": _DAY, "unknown": _UNKNOWN, **_FIGURES, PARTIAL: _PARTIAL}, optional=(PARTIAL,)),
                description="An entry for each day that any store has reported",
            ),
            "by_store": _BUCKETS,
            "by_app": _BUCKETS,
            "by_country": _BUCKETS,
            "by_device": list_of(record({"value": TEXT, "downloads": {"type": "integer"}})),
            "downloads_from": _DOWNLOADS_FROM,
        },
        optional=("downloads_from",),
        description="Of the tenant's apps, days as the stores count them; only where a store has reported one of the "
        "period's. null is unknown, and a day that no store has reported is left out; below zero, refunds outweigh",
    ),
)
