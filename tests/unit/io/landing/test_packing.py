"""Packed files are read by their bytes, whatever their names say; what can't be unpacked has a reason that is true."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from metrics_lake.io.landing import byte_pieces, packing
from metrics_lake.io.landing.byte_pieces import LandedFile, line_pieces, whole_lines
from metrics_lake.sources.landed_file import FileEntry, UnreadableFile
from tests.unit.sources.haproxy.logs import line, text

LINES = text([line(n, f"/acme/live/{n * 7919 % 1000}.ts") for n in range(400)])
HALF = LINES.index(b"\n", len(LINES) // 2) + 1
SKIPPABLE = b"\x53\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"what?"


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zst": zstd,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}


def read(content: bytes) -> bytes:
    return b"".join(line_pieces(io.BytesIO(content)))


def refused(content: bytes) -> str:
    lines: list[bytes] = []
    with pytest.raises(UnreadableFile) as error:
        lines.extend(line_pieces(io.BytesIO(content)))
    assert lines == [], "a line was taken before the damage showed"
    return error.value.reason


@pytest.mark.parametrize("name", PACKINGS)
def test_a_packed_file_is_read_whole_and_so_is_one_within_another(name: str) -> None:
    pack = PACKINGS[name]
    assert read(pack(LINES)) == LINES
    for outer in PACKINGS.values():
        assert read(outer(pack(LINES))) == LINES
    assert read(pack(b"")) == b"" == read(b"")


@pytest.mark.parametrize("name", PACKINGS)
def test_streams_behind_each_other_are_one_file(name: str) -> None:
    pack = PACKINGS[name]
    assert read(pack(LINES[:HALF]) + pack(b"") + pack(LINES[HALF:])) == LINES


@pytest.mark.parametrize(
    "content",
    [SKIPPABLE + zstd(LINES), zstd(LINES) + SKIPPABLE, zstd(LINES[:HALF]) + SKIPPABLE * 2 + zstd(LINES[HALF:])],
)
def test_frames_that_zstd_skips_are_skipped(content: bytes) -> None:
    assert read(content) == LINES


@pytest.mark.parametrize("name", ["gzip", "xz", "bz2"])
def test_zeros_that_pad_a_packed_file_are_no_content(name: str) -> None:
    assert read(PACKINGS[name](LINES) + b"\0" * 512) == LINES


def _torn(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + b"\xff" * 40 + packed[middle + 40 :]


HARM: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "its last bytes are missing": (lambda packed: packed[:-3], "truncated"),
    "its second half is missing": (lambda packed: packed[: len(packed) // 2], "truncated"),
    "all but its head is missing": (lambda packed: packed[:11], "truncated"),
    "its second stream is cut": (lambda packed: packed + packed[:-9], "truncated"),
    "of its second stream there is the first byte": (lambda packed: packed + packed[:1], "truncated"),
    "bytes in the middle are others": (_torn, "damaged"),
    "text stands behind it": (lambda packed: packed + b"and more, as text", "trailing"),
    "another packing stands behind it": (lambda packed: packed + b"PK\x03\x04" + b"\0" * 40, "trailing"),
}


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("name", PACKINGS)
@pytest.mark.parametrize("is_large", [False, True])
def test_a_damaged_file_has_its_true_reason_before_its_first_line(
    monkeypatch: pytest.MonkeyPatch, name: str, harm: str, is_large: bool
) -> None:
    if is_large:  # it is unpacked once to see that it is whole, and once more for its lines
        monkeypatch.setattr(byte_pieces, "_KEPT_BYTES", 0)
        monkeypatch.setattr(packing, "PIECE_BYTES", 1000)
    damage, reason = HARM[harm]
    assert refused(damage(PACKINGS[name](LINES))) == f"{name}_{reason}"
    assert read(PACKINGS[name](LINES)) == LINES


def test_of_two_layers_the_damaged_one_is_named() -> None:
    assert refused(gzip.compress(zstd(LINES)[:-3])) == "zst_truncated"
    assert refused(zstd(gzip.compress(LINES))[:-3]) in ("zst_truncated", "gzip_truncated")
    assert refused(gzip.compress(lzma.compress(LINES))[:-12]) == "gzip_truncated"
    assert refused(zstd(_torn(bz2.compress(LINES)))) == "bz2_damaged"


def _zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("installs.csv", LINES)
    return file.getvalue()


def _tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("haproxy.log")
        entry.size = len(LINES)
        archive.addfile(entry, io.BytesIO(LINES))
    return file.getvalue()


def _often(times: int) -> bytes:
    content = LINES
    for _ in range(times):
        content = gzip.compress(content)
    return content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_zipped(), "packed_zip"),
        (gzip.compress(_zipped()), "packed_zip"),
        (_tarred(), "packed_tar"),
        (gzip.compress(_tarred()), "packed_tar"),
        (lzma.compress(_tarred()), "packed_tar"),
        (b"7z\xbc\xaf\x27\x1c" + LINES, "packed_7z"),
        (b"Rar!\x1a\x07\x01\0" + LINES, "packed_rar"),
        (b"\x04\x22\x4d\x18" + LINES, "packed_lz4"),
        (b"\x1f\x9d\x90" + LINES, "packed_other"),
        (_often(6), "packed_too_often"),
        (os.urandom(5000), "not_text"),
        (gzip.compress(os.urandom(5000)), "not_text"),
        (b"\0" * 5000, "not_text"),
        (lzma.compress(LINES, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 512 << 20}]), "packed_too_wide"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused_as_what_it_is(content: bytes, reason: str) -> None:
    assert refused(content) == reason


def test_five_layers_are_read() -> None:
    assert read(_often(5)) == LINES


@pytest.mark.parametrize("name", PACKINGS)
def test_a_file_that_unfolds_to_what_no_log_does_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(packing, "_FREE_BYTES", 1 << 20)
    monkeypatch.setattr(packing, "_MOST_RATIO", 100)
    monkeypatch.setattr(packing, "PIECE_BYTES", 1 << 16)
    assert refused(PACKINGS[name](LINES[:200] * 20_000)) == "unpacks_to_too_much"
    assert refused(gzip.compress(PACKINGS[name](b"x" * 8_000_000))) == "unpacks_to_too_much"
    assert read(PACKINGS[name](LINES)) == LINES


_MEMORY = """
import io, resource, sys
from metrics_lake.io.landing.byte_pieces import line_pieces
from metrics_lake.sources.landed_file import UnreadableFile
import metrics_lake.io.landing.packing
most = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before = most()
try:
    for piece in line_pieces(io.BytesIO(sys.stdin.buffer.read())):
        del piece
except UnreadableFile as error:
    print(error.reason, most() - before)
"""


def test_a_bomb_takes_no_more_memory_than_some_pieces() -> None:
    bomb = bz2.compress(bz2.compress(b"x" * (1 << 29)))
    ended = subprocess.run([sys.executable, "-c", _MEMORY], input=bomb, capture_output=True, check=True)
    reason, memory = ended.stdout.split()
    assert reason == b"unpacks_to_too_much" and int(memory) < 12 * packing.PIECE_BYTES


def test_of_a_line_longer_than_any_log_s_the_end_is_left_out_and_no_other_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_pieces, "LONGEST_LINE", 10)
    pieces = [b"one\ntwo", b"x" * 30, b"y" * 30, b"z\nthree\n", b"fo", b"ur"]
    assert b"".join(whole_lines(iter(pieces))) == b"one\ntwo" + b"x" * 7 + b"z\nthree\nfour"


def test_an_error_of_the_disk_is_no_damage_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def readinto(self, buffer):
            raise OSError(5, "input/output error")

        def read(self, size=-1):
            if self.tell() >= 512:
                raise OSError(5, "input/output error")
            return super().read(size)

    for pack in (*PACKINGS.values(), bytes):
        monkeypatch.setattr(Path, "open", lambda path, mode, pack=pack: Failing(pack(LINES)))
        file = LandedFile(str(tmp_path), FileEntry("a.log", 1, "ab" * 32, ""), 1, str)
        with pytest.raises(UnreadableFile) as error:
            list(file.pieces())
        assert error.value.reason == "not_readable"
