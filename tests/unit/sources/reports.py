"""Store reports for tests: the rows that `parse` makes from files, and the tenants of their apps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metrics_lake.bronze.store_reports import FEED
from metrics_lake.config.tenants import Tenants
from metrics_lake.model.arrow import arrow_schema, fitted
from metrics_lake.privacy.hashing import Hasher
from tests.unit.sources.haproxy.logs import InMemoryFile, rules_of

HASHER = Hasher(bytes(32))
TENANTS = Tenants.model_validate(
    {
        "tenants": {
            "acme": {
                "name": "Acme", "timezone": "Africa/Johannesburg",
                "apps": [
                    {"store": "apple", "id": "1234567890", "name": "Acme Radio"},
                    {"store": "google", "id": "com.acme.radio", "name": "Acme Radio"},
                ],
            }
        }
    }
)  # fmt: skip


def parsed(files: Iterable[InMemoryFile], tenants: Tenants = TENANTS) -> list[dict[str, Any]]:
    """Rows as they would stand in bronze, without what they lack."""
    schema = arrow_schema(FEED.table)
    rows = [row for frame in FEED.parse(files, rules_of(tenants), HASHER) for row in fitted(frame, schema).to_pylist()]
    return [{name: value for name, value in row.items() if value is not None} for row in rows]
