"""The settings name the store of documents."""

from __future__ import annotations

import pytest

from metrics_lake.config.settings import Documents, Settings, SettingsError
from metrics_lake.io.documents.cosmos import CosmosDocuments
from metrics_lake.io.documents.open_store import open_document_store
from metrics_lake.io.documents.sqlite import SqliteDocuments

ENDPOINT = "https://account.example:443/"


def test_the_embedded_store_is_the_default():
    assert isinstance(open_document_store(Settings()), SqliteDocuments)


def test_an_account_is_not_asked_before_it_is_needed(monkeypatch):
    monkeypatch.delenv("METRICS_LAKE_COSMOS_KEY", raising=False)
    store = open_document_store(Settings(documents=Documents(store="cosmos", endpoint=ENDPOINT)))
    assert isinstance(store, CosmosDocuments) and repr(store) == f"CosmosDocuments({ENDPOINT!r}, 'metrics')"


def test_an_account_without_a_place_is_a_mistake_with_a_remedy():
    with pytest.raises(SettingsError, match=r"documents.endpoint is empty: write the account's URI there"):
        open_document_store(Settings(documents=Documents(store="cosmos")))
