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

from metrics_lake.io.documents import SqliteDocuments

C = "listening"


@pytest.fixture
def store(tmp_path) -> SqliteDocuments:
    return SqliteDocuments(str(tmp_path / "made" / "documents.db"))


def document(id_: str, tenant: str = "acme", **more) -> dict:
    return {"id": id_, "tenant": tenant, **more}


def ids(store: SqliteDocuments, low: str = "", high: str = "~", tenant: str = "acme") -> list[str]:
    return [held["id"] for held in store.between(C, tenant, low, high)]


def test_a_store_that_is_not_there_yet_holds_nothing_and_is_not_made_by_asking(store, tmp_path):
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


def test_documents_come_back_as_they_were_put(store):
    put = document("*:day:2001-01-15", number=1.5, text="Künstler", nothing=None, nested={"a": [1, 2]})
    assert store.upsert(C, [put]) == 1
    assert store.between(C, "acme", "", "~") == [put]


def test_a_range_holds_both_its_ends_in_the_order_of_ids(store):
    store.upsert(C, [document(f"*:day:2001-01-{day}") for day in (17, 15, 14, 16)])
    assert ids(store, "*:day:2001-01-15", "*:day:2001-01-16") == ["*:day:2001-01-15", "*:day:2001-01-16"]


def test_putting_again_replaces_and_never_doubles(store):
    store.upsert(C, [document("a", number=1), document("b", number=1)])
    store.upsert(C, [document("a", number=2)])
    assert [(held["id"], held["number"]) for held in store.between(C, "acme", "", "~")] == [("a", 2), ("b", 1)]


def test_tenants_and_containers_share_nothing(store):
    store.upsert(C, [document("a", number=1), document("a", "other", number=2)])
    store.upsert("downloads", [document("a", number=3)])
    assert [held["number"] for held in store.between(C, "other", "", "~")] == [2]
    assert [held["number"] for held in store.between("downloads", "acme", "", "~")] == [3]


def test_a_call_that_fails_writes_nothing(store):
    store.upsert(C, [document("a", number=1)])
    with pytest.raises(TypeError):
        store.upsert(C, [document("a", number=2), document("b", number=object())])
    with pytest.raises(KeyError):
        store.upsert(C, [document("c"), {"id": "no tenant"}])
    assert store.between(C, "acme", "", "~") == [document("a", number=1)]


def test_deleting_takes_what_is_named_and_no_more(store):
    store.upsert(C, [document("a"), document("b"), document("a", "other")])
    store.delete(C, "acme", ["a", "not there"])
    assert ids(store) == ["b"] and ids(store, tenant="other") == ["a"]


@pytest.mark.parametrize("name", ["", "x; DROP TABLE listening", "Listening", "a-b", "a b"])
def test_a_container_s_name_can_not_smuggle_sql_in(store, name):
    with pytest.raises(ValueError, match="no name for a container"):
        store.upsert(name, [document("a")])


@pytest.mark.parametrize("id_", ["' OR 1=1 --", '"; --', "ä:day", "\x00", "%"])
def test_an_id_is_never_taken_for_sql(store, id_):
    store.upsert(C, [document("other"), document(id_)])
    store.delete(C, "acme", [id_])
    assert ids(store) == ["other"]


IDS = st.text(alphabet="*:abc-019 ä", min_size=1, max_size=6)


@settings(max_examples=20)
@given(st.lists(IDS, max_size=12), IDS, IDS)
def test_a_range_is_what_plain_comparison_of_utf_8_says(tmp_path_factory, found, low, high):
    store = SqliteDocuments(str(tmp_path_factory.mktemp("range") / "d.db"))
    store.upsert(C, [document(id_) for id_ in found])
    expected = sorted({id_ for id_ in found if low.encode() <= id_.encode() <= high.encode()}, key=str.encode)
    assert ids(store, low, high) == expected
