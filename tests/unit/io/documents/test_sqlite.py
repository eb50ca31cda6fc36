"""The embedded documents store: by tenant and id, in order, all or nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_lake.io.documents.sqlite import SqliteDocuments
from tests.unit.io.store_contract import C, document, ids


@pytest.fixture
def store(tmp_path) -> SqliteDocuments:
    return SqliteDocuments(str(tmp_path / "made" / "documents.db"))


def test_a_store_that_is_not_there_yet_is_not_made_by_asking(store, tmp_path):
    assert ids(store) == [] and not (tmp_path / "made").exists()


def test_reading_makes_no_container(store, tmp_path):
    store.upsert(C, [document("a")])
    assert store.between("downloads", "acme", "", "~") == []
    with sqlite3.connect(tmp_path / "made" / "documents.db") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [(C,)]


def test_who_may_not_write_may_read():
    folder = Path(tempfile.mkdtemp())
    store = SqliteDocuments(str(folder / "documents.db"))
    store.upsert(C, [document("a")])
    folder.chmod(0o555)
    before, is_root = sorted(folder.iterdir()), os.geteuid() == 0
    try:
        if is_root:
            os.seteuid(65534)
        assert ids(store) == ["a"] and sorted(folder.iterdir()) == before
        with pytest.raises(sqlite3.OperationalError):
            store.upsert(C, [document("b")])
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_reader_sees_all_of_a_write_or_nothing_while_it_goes_on(store, tmp_path):
    store.upsert(C, [document(str(n), version=0) for n in range(50)])
    done = threading.Event()

    def write() -> None:
        for version in range(1, 20):
            store.upsert(C, [document(str(n), version=version) for n in range(50)])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(frozenset(held["version"] for held in store.between(C, "acme", "", "~")))
    writer.join()
    assert seen and all(len(versions) == 1 for versions in seen)


@pytest.mark.parametrize("name", ["", "x; DROP TABLE listening", "Listening", "a-b", "a b"])
def test_a_container_s_name_can_not_smuggle_sql_in(store, name):
    with pytest.raises(ValueError, match="no name for a container"):
        store.upsert(name, [document("a")])


IDS = st.text(alphabet="*:abc-019 ä", min_size=1, max_size=6)


@settings(max_examples=20)
@given(st.lists(IDS, max_size=12), IDS, IDS)
def test_a_range_is_what_plain_comparison_of_utf_8_says(tmp_path_factory, found, low, high):
    store = SqliteDocuments(str(tmp_path_factory.mktemp("range") / "d.db"))
    store.upsert(C, [document(id_) for id_ in found])
    expected = sorted({id_ for id_ in found if low.encode() <= id_.encode() <= high.encode()}, key=str.encode)
    assert ids(store, low, high) == expected
