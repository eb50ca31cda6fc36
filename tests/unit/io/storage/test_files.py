"""Files on a disk: old or new and never half, hashed whole, one writer at a time."""

from __future__ import annotations

import hashlib
import os
import stat

import pytest

from metrics_lake.io.storage import files
from metrics_lake.io.storage.files import BusyError, content_hash, locked, write_whole


def listed(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_put_in_place_with_its_folders(tmp_path):
    write_whole(tmp_path / "a" / "b.json", b"new")
    assert (tmp_path / "a" / "b.json").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a" / "b.json").stat().st_mode) == 0o644


def test_writing_again_leaves_the_new_content_and_nothing_beside_it(tmp_path):
    write_whole(tmp_path / "x", b"a longer old content")
    write_whole(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new" and listed(tmp_path) == ["x"]


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "no space"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_content_and_nothing_beside_it(tmp_path, monkeypatch, step, error):
    def fail(*_):
        raise error

    write_whole(tmp_path / "x", b"old")
    monkeypatch.setattr(files.os, step, fail)
    with pytest.raises(type(error)):
        write_whole(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"old" and listed(tmp_path) == ["x"]


def test_a_reader_that_has_the_old_file_open_reads_it_to_its_end(tmp_path):
    write_whole(tmp_path / "x", b"old")
    with (tmp_path / "x").open("rb") as reader:
        write_whole(tmp_path / "x", b"new")
        assert reader.read() == b"old"


@pytest.mark.parametrize("content", [b"", b"a", b"abc", b"abcdefg" * 100])
def test_a_content_hash_is_sha_256_whatever_the_size_of_a_piece(tmp_path, monkeypatch, content):
    monkeypatch.setattr(files, "_PIECE_BYTES", 3)
    (tmp_path / "x").write_bytes(content)
    assert content_hash(tmp_path / "x") == hashlib.sha256(content).hexdigest()


def test_a_second_writer_is_told_who_the_first_one_is(tmp_path):
    lock = tmp_path / "lake" / "writer.lock"
    with locked(lock, "run"), pytest.raises(BusyError) as error, locked(lock, "publish"):
        pytest.fail("two writers at once")
    assert str(error.value) == f"process {os.getpid()} (run) is writing to this lake; wait until it has ended ({lock})"


def test_a_lock_is_free_again_after_its_holder_has_ended_or_failed(tmp_path):
    lock = tmp_path / "writer.lock"
    with pytest.raises(ZeroDivisionError), locked(lock, "a much longer description of what is being done"):
        1 / 0  # noqa: B018
    with locked(lock, "run"):
        assert lock.read_text() == f"process {os.getpid()} (run)"
