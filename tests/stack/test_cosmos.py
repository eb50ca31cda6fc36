"""The cases of every store of documents, asked of a Cosmos DB emulator in real SQL, and the commands over it."""

from __future__ import annotations

import base64
import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from metrics_lake.io.documents.cosmos import CosmosDocuments
from tests.unit.io.store_contract import C, StoreContract, document, ids

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]
SERVER = ROOT / ".cache" / "stack" / "node" / "node_modules" / "@vercel" / "cosmosdb-server" / "lib" / "cli.js"
KEY = base64.b64encode(b"any key serves the emulator here").decode()


@contextmanager
def serving(scheme: str, *options: str) -> Iterator[str]:
    """A running emulator's endpoint; it takes a free port and says which."""
    command = ["node", str(SERVER), "--host", "127.0.0.1", "-p", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"{scheme}://{process.stdout.readline().rpartition(' at ')[2].strip()}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Without TLS, under which the emulator wants a new connection for each call."""
    with serving("http", "--no-ssl") as found:
        yield found


_names = itertools.count()


@pytest.fixture
def store(endpoint) -> CosmosDocuments:
    return CosmosDocuments(endpoint, f"metrics{next(_names)}", KEY)


class TestEmulator(StoreContract):
    """The cases of every store."""


def test_a_container_stands_as_it_was_asked_for(store):
    store.upsert(C, [document("a")])
    made = store._container(C).read()
    assert made["partitionKey"]["paths"] == ["/tenant"]
    assert made["indexingPolicy"]["includedPaths"] == [{"path": "/tenant/?"}]


def test_two_publishers_at_once_leave_the_newest_revision_of_each_document(store, endpoint):
    other = CosmosDocuments(endpoint, store._name, KEY)
    store.upsert(C, [document(f"{number:03}", revision=1) for number in range(40)])
    held = store._revisions

    def meanwhile(there, tenant, wanted):
        store._revisions = held
        found = held(there, tenant, wanted)
        other.upsert(C, [document(f"{number:03}", revision=5 if number % 2 else 2) for number in range(40)])
        return found

    store._revisions = meanwhile
    store.upsert(C, [document(f"{number:03}", revision=3) for number in range(40)])
    found = store.between(C, "acme", "", "~")
    assert [each["revision"] for each in found] == [5 if number % 2 else 3 for number in range(40)]


def test_what_stands_is_told(store):
    assert "publish makes it" in store.state()
    store.upsert(C, [document("a")])
    assert store.state() == f"database {store._name}" and ids(store) == ["a"]


def test_an_emulator_s_own_certificate_is_taken_on_this_machine(recwarn):
    with serving("https") as found:
        store = CosmosDocuments(found, "metrics", KEY)
        assert store.upsert(C, [document("a")]) == 1 and ids(store) == ["a"]
    assert not list(recwarn)
