"""A file is text or not by its bytes: odd log lines are text, archives and programs are not; UTF-16 is told without a mark."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_lake.sources.file_content import as_utf8, encoding_of, refusal_of
from tests.unit.sources.haproxy.logs import SECRET, line, parse, text

LINES = text([line(n) for n in range(20)])
HOLE = b"\0" * 4096  # what a crash leaves in a file

TEXT = {
    "lines of a log": LINES,
    "a line of three letters": b"abc",
    "bytes of a URL in Latin-1": LINES.replace(b"/acme", b"/\xe9\xe8\xfc" * 10),
    "bytes of a URL in Shift-JIS": LINES.replace(b"/acme/live", "/ラジオ放送".encode("shift-jis")),
    "control characters in a URL": LINES.replace(b"/acme", b"/\x01\x02\x03\x04"),
    "colours of a terminal": b"\x1b[31mhaproxy\x1b[0m " + LINES,
    "a hole before the lines": HOLE + LINES,
    "a hole between the lines": LINES + HOLE + LINES,
    "a hole of over a piece's sample": HOLE * 32 + LINES,
    "a line of binary bytes among others": LINES + bytes(range(256)) + b"\n" + LINES,
    "a path that looks like the mark of an archive": b"BZh9 is no archive\n",
    "a mark of UTF-8": b"\xef\xbb\xbf" + LINES,
    "a report in Japanese": "日付,パッケージ名\n".encode(),
    "UTF-16": LINES.decode().encode("utf-16"),
    "UTF-16 without a mark": LINES.decode().encode("utf-16-le"),
    "UTF-16 of other letters": ("Date,Device\n2001-01-15,ラジオ\n" * 9).encode("utf-16-be"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TEXT)
def test_odd_text_is_text(kind: str) -> None:
    assert refusal_of(TEXT[kind]) is None


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\n" + LINES,
        b"PAR1" + LINES,
        b"SQLite format 3\0" + LINES,
        b"\x89PNG\r\n\x1a\n" + LINES,
        b"\x7fELF" + LINES,
        b"LPKSHHRH" + LINES,
        bytes(range(1, 32)) * 40 + LINES[:200],
        b"".join(n.to_bytes(2, "little") for n in range(3000)),
        "an old mainframe wrote this line, and nobody can read it any more\n".encode("cp500"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_refused(content: bytes) -> None:
    assert refusal_of(content) == "not_text"


def test_a_program_is_no_text() -> None:
    with Path(os.path.realpath(sys.executable)).open("rb") as file:
        assert refusal_of(file.read(1 << 20)) == "not_text"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@given(content=st.text("abcdefgé€ラ", min_size=1), size=st.integers(1, 50))
def test_a_text_is_the_same_in_every_encoding_and_in_any_pieces(encoding: str, content: str, size: int) -> None:
    lines = f"Date,Package name,Daily User Installs, and more so that it shows\n{content}\n"
    raw = lines.encode(encoding)
    pieces = [raw[:512], *(raw[at : at + size] for at in range(512, len(raw), size))]
    got = list(as_utf8(iter(pieces)))
    assert b"".join(got).decode() == lines
    assert encoding.startswith("utf-8") or all(piece.endswith(b"\n") for piece in got)


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b"", "utf-8"),
        (b"a", "utf-8"),
        (HOLE, "utf-8"),
        (b"a\0", "utf-16-le"),
        (b"\0a", "utf-16-be"),
        (HOLE + LINES, "utf-8"),
    ],
)
def test_zeros_alone_are_no_encoding(head: bytes, encoding: str) -> None:
    assert encoding_of(head) == encoding


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("prefix", ["", "Jan 15 12:00:00 edge-01 haproxy[31]: "])
def test_of_a_log_in_another_encoding_every_line_is_read_the_first_one_too(
    monkeypatch: pytest.MonkeyPatch, encoding: str, prefix: str
) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    lines = "".join(f"{line(n, prefix=prefix)}\r\n" for n in range(3))
    got, plain = parse(lines.encode(encoding)), parse(lines.encode())
    assert got.accounts == plain.accounts == {"accepted": 3}
    assert [visit["listener_id"] for visit in got.visits] == [visit["listener_id"] for visit in plain.visits]
    assert got.files[0]["proxy"] == plain.files[0]["proxy"]
