"""Which store of documents the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrics_lake.config.secrets import cosmos_key
from metrics_lake.config.settings import Settings, SettingsError
from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.io.documents.store import DocumentStore

if TYPE_CHECKING:
    from metrics_lake.io.documents.cosmos import CosmosDocuments


def open_document_store(settings: Settings) -> DocumentStore:
    """The store, not yet opened. Without Cosmos DB none of Azure's packages is loaded."""
    return SqliteDocuments(settings.documents.path) if settings.documents.store == "sqlite" else cosmos_of(settings)


def cosmos_of(settings: Settings) -> CosmosDocuments:
    """The database of Cosmos DB that the settings name."""
    from metrics_lake.io.documents.cosmos import CosmosDocuments

    if not settings.documents.endpoint:
        raise SettingsError("documents.store is cosmos, and documents.endpoint is empty: write the account's URI there")
    return CosmosDocuments(settings.documents.endpoint, settings.documents.database, cosmos_key())
