"""Batches of landing files: numbered from 1, written whole, and read back as they were planned."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.io.landing.manifest import Manifest
from metrics_lake.sources.landed_file import FileEntry


def entry(path: str = "haproxy/a.log", content: str = "ab" * 32, **more) -> FileEntry:
    return FileEntry(path, 10, content, "2001-01-15T13:00:00+00:00", **more)


def test_before_the_first_batch_there_is_nothing(tmp_path):
    manifest = Manifest(tmp_path / "none")
    assert manifest.last_number == 0 and manifest.entries() == []


def test_batches_are_numbered_from_one_and_read_back_as_written(tmp_path):
    manifest = Manifest(tmp_path)
    first = manifest.add("/landing", [entry(), entry("haproxy/b.log", is_duplicate=True)], {"gap": 60})
    second = manifest.add("/elsewhere", [entry("haproxy/c.log")], {"gap": 30})
    assert (first.number, second.number) == (1, 2)
    assert [Manifest(str(tmp_path)).batch(number) for number in (1, 2)] == [first, second]


def test_all_entries_are_told_oldest_first(tmp_path):
    manifest = Manifest(tmp_path)
    for name in ("b", "a", "c"):
        manifest.add("/landing", [entry(name)], {})
    assert [each.path for each in manifest.entries()] == ["b", "a", "c"]


def test_the_hundredth_batch_comes_after_the_ninety_ninth(tmp_path):
    manifest = Manifest(tmp_path)
    manifest.add("/landing", [], {})
    (tmp_path / "00000001.json").rename(tmp_path / "00000099.json")
    assert manifest.add("/landing", [], {}).number == 100 == manifest.last_number


def test_what_an_interrupted_write_left_is_no_batch(tmp_path):
    manifest = Manifest(tmp_path)
    manifest.add("/landing", [entry()], {})
    (tmp_path / ".00000002.json.x1.tmp").write_text("{")
    assert manifest.last_number == 1


def test_a_batch_is_plain_json(tmp_path):
    Manifest(tmp_path).add("/landing", [entry()], {"a": 1})
    held = json.loads((tmp_path / "00000001.json").read_text())
    assert (held["root"], held["rules"], held["files"][0]["path"]) == ("/landing", {"a": 1}, "haproxy/a.log")


@given(st.binary(min_size=32, max_size=32))
def test_a_file_s_id_is_the_start_of_its_content_s_hash(content):
    assert entry(content=content.hex()).file_id == content.hex()[:16]
