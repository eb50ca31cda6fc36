"""The rollup JSON, one document for each tenant, stream and period, assembled from its head and its sections. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from metrics_lake.config.tenants import ALL_STREAMS
from metrics_lake.model.periods import Period
from metrics_lake.serve.data_status import DataStatus
from metrics_lake.serve.revisions import revision_of
from metrics_lake.serve.rollup import head
from metrics_lake.serve.rollup.gold_rows import GoldRows
from metrics_lake.serve.rollup.json_schema import record
from metrics_lake.serve.rollup.section import RollupContext, RollupInput
from metrics_lake.serve.rollup.sections import sections
from metrics_lake.serve.sums import Row


def path(tenant: str, stream: str, period: Period) -> str:
    """The path of a period's document below `storage.rollups`."""
    return f"{tenant}/{folder(stream)}/{period.kind}/{period.name}.json"


def folder(stream: str) -> str:
    """The folder of a stream's documents below its tenant's."""
    return "_all" if stream == ALL_STREAMS else stream


def schema() -> dict[str, Any]:
    """The JSON Schema that every document satisfies."""
    properties = {**head.SCHEMA, **{section.name: section.schema for section in sections()}}
    optional = [section.name for section in sections() if section.is_optional]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "metrics_lake rollup",
        "description": "Listening figures of one tenant, stream and period. What each number means: docs/definitions.md, by "
        "the contract's version.",
        **record(properties, optional=optional),
    }


def rollup(context: RollupContext, stream: str, period: Period, gold: GoldRows, data_status: DataStatus) -> Row:
    """A period's document, without `generated_at` and `revision`."""
    document = head.render(context, stream, period, data_status)
    rollup_input = RollupInput(context, stream, period, gold, data_status)
    for section in sections():
        rendered = section.render(rollup_input)
        if rendered is not None:
            document[section.name] = rendered
    return document


def revised(new: Row, old: Row | None, now: datetime, last: int = 0) -> Row | None:
    """The document to write in place of `old`: None if nothing changed, a higher revision if a number did.

    Without an old document the revision follows on `last`, that of the document which was removed here.
    """
    not_numbers = ("status", "complete_through", "lost_share")
    revision = revision_of(new, old, stamps=("generated_at", "revision"), not_numbers=not_numbers, last=last)
    if revision is None:
        return None
    return {**new, "revision": revision, "generated_at": now.isoformat(timespec="seconds")}
