"""What a lake holds and has published, in a form in which two of them can be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from metrics_lake.io.documents import SqliteDocuments
from metrics_lake.serve import listening
from metrics_lake.settings import Settings

TABLES = ("silver/sessions", "gold/listeners_by_minute", "gold/listening_by_hour", "gold/listening_by_day",
          "gold/session_lengths_by_day", "gold/dimensions_by_day", "gold/listening_by_period",
          "gold/dimensions_by_period")  # fmt: skip
_OF_A_RUN = ("generated_at", "revision")


def tables(settings: Settings) -> dict[str, list[str]]:
    """The rows of every table above bronze, in one order."""
    return {name: sorted(map(repr, pl.read_delta(f"{settings.storage.lake}/{name}").rows())) for name in TABLES}


def rollups(settings: Settings) -> dict[str, Any]:
    """Every blob of figures, without what each run says of itself."""
    root = Path(settings.storage.rollups)
    found = {}
    for path in sorted(root.rglob("*.json")):
        if path.name != "index.json" and not path.name.startswith("_"):
            found[path.relative_to(root).as_posix()] = _figures(json.loads(path.read_bytes()))
    return found


def documents(settings: Settings, tenant: str) -> list[dict[str, Any]]:
    """Every listening document of a tenant, without what each run says of itself."""
    store = SqliteDocuments(settings.documents.path)
    return [_figures(held) for held in store.between(listening.CONTAINER, tenant, "", "~")]


def everything(settings: Settings, tenant: str) -> dict[str, Any]:
    return {**tables(settings), "rollups": rollups(settings), "documents": documents(settings, tenant)}


def files(settings: Settings) -> list[dict[str, Any]]:
    """The accounts of landing files, in the order in which they came."""
    bronze = pl.read_delta(f"{settings.storage.lake}/bronze/haproxy").filter(pl.col("row_kind") == "file")
    return bronze.sort("batch_number", "path").to_dicts()


def requests(settings: Settings) -> int:
    """How many requests bronze holds, doubles included."""
    bronze = pl.read_delta(f"{settings.storage.lake}/bronze/haproxy").filter(pl.col("row_kind") == "visit")
    return int(bronze["request_count"].sum())


def _figures(document: dict[str, Any]) -> dict[str, Any]:
    return {key: held for key, held in document.items() if key not in _OF_A_RUN}
