"""Opens the store of documents that the settings name. A new kind of store is a module, and a line in KINDS and in Documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from metrics_lake.config.secrets import cosmos_key
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.io.documents.store import DocumentStore


def open_document_store(settings: Settings) -> DocumentStore:
    """The store, not yet connected. A kind's packages are loaded only if it is the one."""
    return KINDS[settings.documents.store](settings)


def _sqlite(settings: Settings) -> DocumentStore:
    return SqliteDocuments(settings.documents.path)


def _cosmos(settings: Settings) -> DocumentStore:
    from metrics_lake.io.documents.cosmos import CosmosDocuments

    if not settings.documents.endpoint:
        raise SettingsError("documents.store is cosmos, and documents.endpoint is empty: write the account's URI there")
    return CosmosDocuments(settings.documents.endpoint, settings.documents.database, cosmos_key())


KINDS: Mapping[str, Callable[[Settings], DocumentStore]] = {"sqlite": _sqlite, "cosmos": _cosmos}
