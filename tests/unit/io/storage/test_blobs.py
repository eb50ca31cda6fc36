"""Blobs: files below one folder that frontends read."""

from __future__ import annotations

from metrics_lake.io.storage.blobs import FolderBlobs


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


def test_every_file_is_held_with_its_size_whatever_its_name(tmp_path):
    blobs = FolderBlobs(str(tmp_path))
    for path in ("query/offsets/0", "query/offsets/.0.crc", "query/metadata", "other/x.json"):
        blobs.write(path, path.encode())
    (tmp_path / "query" / "gone").symlink_to("nowhere")
    assert blobs.sizes("query") == {"query/metadata": 14, "query/offsets/.0.crc": 20, "query/offsets/0": 15}
    assert blobs.sizes("nobody") == {} and len(blobs.sizes("")) == 4
    assert list(blobs.read_all(["query/metadata", "none"])) == [("query/metadata", b"query/metadata"), ("none", None)]


def test_a_folder_is_moved_as_a_whole_and_one_that_is_not_there_is_none(tmp_path):
    blobs = FolderBlobs(str(tmp_path))
    blobs.write("query/offsets/0", b"0")
    blobs.move("query", "before-1")
    blobs.move("query", "before-2")
    assert blobs.sizes("") == {"before-1/offsets/0": 1}
