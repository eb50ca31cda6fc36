"""Landing files: their bytes in whole lines, or a reason; and how they are shared out among tasks."""

from __future__ import annotations

import gzip
import lzma
import os
import pickle
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.bronze.haproxy import TABLE
from metrics_lake.io.landing import byte_pieces, packing, reader
from metrics_lake.io.landing.byte_pieces import LandedFile
from metrics_lake.io.landing.manifest import Manifest
from metrics_lake.io.landing.reader import FilesPartition, LandingReader, ReadingFailed, grouped
from metrics_lake.privacy.redaction import Names, encrypted
from metrics_lake.sources.landed_file import FileEntry, UnreadableFile
from metrics_lake.sources.lookups import geo
from tests.unit.sources.haproxy.logs import SECRET, line, parse, rules_of, text

LINES = text([line(n, f"/acme/live/{n}.ts") for n in range(50)])


def landed(folder: Path, name: str, content: bytes) -> LandedFile:
    (folder / name).write_bytes(content)
    return LandedFile(str(folder), FileEntry(name, len(content), "ab" * 32, "2001-01-15T13:00:00+00:00"), 1, str)


def read(file: LandedFile) -> bytes:
    return b"".join(file.pieces())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.log", LINES),
        ("packed.log.gz", gzip.compress(LINES)),
        ("packed, but not by its name.log", gzip.compress(LINES)),
        ("two members.log.gz", gzip.compress(LINES[:1000]) + gzip.compress(LINES[1000:])),
        ("padded.log.gz", gzip.compress(LINES) + b"\0" * 512),
        ("not packed, but by its name.log.gz", LINES),
        ("packed in another way.log.gz", lzma.compress(LINES)),
    ],
)
def test_a_file_s_lines_are_read_however_it_is_packed_and_named(tmp_path, name, content):
    assert read(landed(tmp_path, name, content)) == LINES


def test_the_file_before_is_the_nearest_whole_one_of_its_folder_by_name(tmp_path):
    for name in ("b.log", "a.log", ".aa.log", "aa.log.tmp"):
        landed(tmp_path, name, name.encode())
    (tmp_path / "ab").mkdir()
    before = landed(tmp_path, "c.log", LINES).before()
    assert (before.entry.path, read(before), before.batch_number) == ("b.log", b"b.log", 1)
    assert before.before().entry.path == "a.log" and before.before().before() is None
    (tmp_path / "a.log").rename(tmp_path / "192.0.2.7.log")
    marked = replace(before, redact_path=lambda path: path.replace("192.0.2.7", "<mark>")).before()
    assert (marked.entry.path, marked.true_path) == ("<mark>.log", "192.0.2.7.log")


def test_a_large_packed_file_is_read_whole_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(byte_pieces, "_KEPT_BYTES", 0)
    monkeypatch.setattr(packing, "PIECE_BYTES", 100_000)
    pieces = list(landed(tmp_path, "large.log.gz", gzip.compress(LINES * 400, 1)).pieces())
    assert b"".join(pieces) == LINES * 400 and len(pieces) > 20


@pytest.mark.parametrize("name", ["empty.log", "empty.log.gz"])
def test_an_empty_file_has_no_pieces_whatever_its_name(tmp_path, name):
    assert list(landed(tmp_path, name, b"").pieces()) == []


def test_a_packed_file_of_nothing_has_no_pieces(tmp_path):
    assert list(landed(tmp_path, "nothing.log.gz", gzip.compress(b"")).pieces()) == []


def test_a_file_that_vanished_gives_a_reason(tmp_path):
    file = landed(tmp_path, "gone.log", LINES)
    os.unlink(tmp_path / "gone.log")
    with pytest.raises(UnreadableFile, match="vanished"):
        read(file)


def test_a_file_that_may_not_be_read_gives_a_reason(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError

    file = landed(tmp_path, "private.log", LINES)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableFile, match="not_permitted"):
        read(file)


@given(st.text("ab\n\r\t", max_size=400).map(str.encode), st.integers(1, 60), st.booleans())
def test_pieces_are_whole_lines_and_make_up_the_file(content, piece, is_packed):
    before = packing.PIECE_BYTES, byte_pieces._KEPT_BYTES
    packing.PIECE_BYTES, byte_pieces._KEPT_BYTES = piece, 0
    try:
        with TemporaryDirectory() as folder:
            packed = gzip.compress(content) if is_packed else content
            pieces = list(landed(Path(folder), "x", packed).pieces())
    finally:
        packing.PIECE_BYTES, byte_pieces._KEPT_BYTES = before
    assert b"".join(pieces) == content
    assert all(piece.endswith(b"\n") for piece in pieces[:-1])


def test_a_damaged_file_is_quarantined_by_the_source_and_nothing_else_is_lost(tmp_path, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    files = [
        landed(tmp_path, "cut.log.gz", gzip.compress(LINES)[:-12]),
        landed(tmp_path, "plain.log.gz", LINES),
        landed(tmp_path, "good.log.gz", gzip.compress(LINES)),
        landed(tmp_path, "empty.log.gz", b""),
    ]
    told = [(row["status"], row["reason"], row["line_count"], row["accepted_count"]) for row in parse(*files).files]
    assert told == [
        ("quarantined", "gzip_truncated", 0, 0),
        ("read", None, 50, 50),
        ("read", None, 50, 50),
        ("empty", None, 0, 0),
    ]


@given(st.lists(st.integers(0, 3 * reader._PARTITION_BYTES), max_size=40))
def test_every_file_is_in_one_group_in_order_and_no_group_is_needlessly_small(sizes):
    groups = grouped(sizes)
    assert [place for group in groups for place in group] == list(range(len(sizes)))
    filled = [sum(sizes[place] for place in group) for group in groups]
    assert all(size >= reader._LAST_BYTES for size in filled[:-1])
    assert all(sum(sizes[place] for place in group[:-1]) < reader._PARTITION_BYTES for group in groups)


def test_what_is_read_last_is_little_so_that_no_core_waits_long_for_another():
    groups = [len(group) << 20 for group in grouped([1 << 20] * 34)]
    assert groups[0] == reader._PARTITION_BYTES and groups[-1] == reader._LAST_BYTES
    assert groups == sorted(groups, reverse=True) and len(groups) < 17


def test_a_reader_s_offsets_are_the_manifest_s_batches(tmp_path):
    manifest = Manifest(tmp_path)
    reader = LandingReader({"manifest": str(tmp_path), "feed": "metrics_lake.bronze.haproxy"})
    assert reader.initialOffset() == reader.latestOffset() == {"batch": 0}
    for number in (1, 2):
        manifest.add("/landing", [FileEntry(f"{number}-{n}", 10, "ab" * 32, "") for n in range(number)], {})
    assert reader.latestOffset() == {"batch": 2}
    parts = reader.partitions({"batch": 0}, {"batch": 2})
    assert [(part.batch_number, part.places) for part in parts] == [(1, (0,)), (2, (0, 1))]
    assert reader.partitions({"batch": 2}, {"batch": 2}) == []


SHOWN = Names(bytes.fromhex(SECRET)).redact_path
NAMED = ("haproxy/192.0.2.7/a.log", "haproxy/192.0.2.8/a.log", "haproxy/edge/of-c0000207.log", "haproxy/edge/plain.log")


@pytest.mark.parametrize("name", NAMED)
def test_a_file_is_found_by_the_name_that_is_shown_of_it(tmp_path, name):
    for path in NAMED:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    file = LandedFile(str(tmp_path), FileEntry(SHOWN(name), 9, "ab" * 32, ""), 1, SHOWN)
    assert (file.true_path, read(file)) == (name, name.encode())


def test_a_file_with_an_address_in_its_name_that_went_away_has_vanished(tmp_path):
    (tmp_path / "haproxy").mkdir()
    file = LandedFile(str(tmp_path), FileEntry(SHOWN("haproxy/192.0.2.7/a.log"), 9, "ab" * 32, ""), 1, SHOWN)
    with pytest.raises(UnreadableFile, match="vanished"):
        read(file)


class Quoting:
    """A feed that fails as libraries do: with a line in its message."""

    FEED = SimpleNamespace(table=TABLE, parse=lambda files, rules, hasher: [int(next(files[0].pieces()))])


class Missing:
    FEED = SimpleNamespace(table=TABLE, parse=lambda files, rules, hasher: geo.open_files("of-192.0.2.7.mmdb"))


@pytest.mark.parametrize(
    ("feed", "told"),
    [(Quoting, r"ValueError in test_reader\.<lambda>:\d+"), (Missing, r"no file of-<address>\.mmdb; name")],
)
def test_a_failure_in_a_worker_is_told_without_what_it_was_reading(tmp_path, monkeypatch, feed, told):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    monkeypatch.setitem(sys.modules, "feed_that_fails", feed)
    (tmp_path / "a.log").write_text("192.0.2.7 is no number")
    Manifest(tmp_path).add(str(tmp_path), [FileEntry("a.log", 22, "ab" * 32, "")], encrypted(rules_of()))
    reader = LandingReader({"manifest": str(tmp_path), "feed": "feed_that_fails"})
    with pytest.raises(ReadingFailed, match=told) as failed:
        list(reader.read(FilesPartition(1, (0,))))
    assert "192.0.2.7" not in "".join(traceback.format_exception(failed.value))


def test_what_travels_to_a_worker_are_paths_and_numbers_and_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    Manifest(tmp_path).add("/landing", [FileEntry("a", 10, "ab" * 32, "")], {})
    reader = LandingReader({"manifest": str(tmp_path), "feed": "metrics_lake.bronze.haproxy"})
    sent = pickle.dumps([reader, reader.partitions({"batch": 0}, {"batch": 1})])
    assert SECRET.encode() not in sent and bytes.fromhex(SECRET) not in sent
    assert pickle.loads(sent)[0].latestOffset() == {"batch": 1}
