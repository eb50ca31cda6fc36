"""Blobs: files below one folder that frontends read."""

from __future__ import annotations

from metrics_lake.io.blobs import FolderBlobs


def test_a_blob_is_read_as_it_was_written(tmp_path):
    blobs = FolderBlobs(str(tmp_path / "rollups"))
    blobs.write("acme/_all/day/2001-01-15.json", b"{}")
    assert blobs.read("acme/_all/day/2001-01-15.json") == b"{}"
    assert (tmp_path / "rollups/acme/_all/day/2001-01-15.json").read_bytes() == b"{}"


def test_a_blob_that_is_not_there_is_none_and_deleting_it_is_no_error(tmp_path):
    blobs = FolderBlobs(str(tmp_path))
    blobs.delete("acme/x.json")
    assert blobs.read("acme/x.json") is None


def test_a_deleted_blob_is_gone(tmp_path):
    blobs = FolderBlobs(str(tmp_path))
    blobs.write("x.json", b"{}")
    blobs.delete("x.json")
    assert blobs.read("x.json") is None


def test_paths_are_those_below_one_folder_in_order_without_unfinished_ones(tmp_path):
    blobs = FolderBlobs(str(tmp_path))
    for path in ("acme/b.json", "acme/a/c.json", "other/x.json", "acme/.b.json.1.tmp", "acme/.hidden.json"):
        blobs.write(path, b"{}")
    assert list(blobs.paths("acme")) == ["acme/a/c.json", "acme/b.json"]
    assert list(blobs.paths("nobody")) == []
