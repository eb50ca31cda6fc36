"""Every kind of store that the settings can name passes the cases of the contract."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import get_args

import pytest

from metrics_lake.config.settings import Documents, Settings
from metrics_lake.io.documents.open_store import KINDS, open_document_store
from metrics_lake.io.documents.store import DocumentStore
from tests.unit.io.cosmos_double import serving
from tests.unit.io.store_contract import StoreContract

KEY = base64.b64encode(b"a key that is not to be seen anywhere").decode()


@contextmanager
def _sqlite(folder: Path) -> Iterator[Documents]:
    yield Documents(path=str(folder / "created" / "documents.db"))


@contextmanager
def _cosmos(folder: Path) -> Iterator[Documents]:
    with serving() as account:
        yield Documents(store="cosmos", endpoint=account.address)


SERVERS: Mapping[str, Callable[[Path], AbstractContextManager[Documents]]] = {"sqlite": _sqlite, "cosmos": _cosmos}


@pytest.fixture(params=KINDS)
def store(request, tmp_path, monkeypatch) -> Iterator[DocumentStore]:
    monkeypatch.setenv("METRICS_LAKE_COSMOS_KEY", KEY)
    with SERVERS[request.param](tmp_path) as documents:
        yield open_document_store(Settings(documents=documents))


class TestEveryStore(StoreContract):
    """The cases, once for each kind."""


def test_every_kind_that_the_settings_allow_can_be_opened_and_is_tested():
    assert set(get_args(Documents.model_fields["store"].annotation)) == set(KINDS) == set(SERVERS)
