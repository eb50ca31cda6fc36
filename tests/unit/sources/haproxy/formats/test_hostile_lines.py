"""Lines that an attacker sends: time and memory stay bounded, and the other lines are still parsed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from metrics_lake.config.settings import Haproxy
from metrics_lake.sources.haproxy import line_classes, log_lines, reading
from metrics_lake.sources.haproxy.formats import parsing
from metrics_lake.sources.landed_file import FileEntry
from tests.unit.sources.haproxy.logs import hasher_of

if TYPE_CHECKING:
    from metrics_lake.config.settings import Rules

GOOD = (
    b"192.0.2.7:51520 [15/Jan/2001:16:10:25.353] fe_hls be/srv1 0/0/0/4/4 200 188 - - ---- 1/1/0/0/0 0/0 "
    b'"GET /t1/%d.ts HTTP/1.1"\n'
)
HEAD = GOOD.partition(b'"')[0]
Accounts = Callable[..., dict[int, str]]
HOSTILE = [
    b"a" * 60_000, b" " * 60_000, b'"' * 60_000, b"{" * 60_000, b"\\" * 60_000, b"1:" * 30_000, b" [15/Jan/2001" * 4_000,
    HEAD + b"{" + b"|" * 60_000 + b'} "GET / HTTP/1.1"', HEAD + b'"GET ' + b"a b " * 15_000,
    HEAD.replace(b"0/0/0/4/4", b"0/" * 30_000),
    b'{"log":"' * 7_000, b'{"log":"":' + b"[" * 60_000, b"<134>1 - - - - - [" * 3_000, b'ts="' * 15_000, b"\xff\xfe" * 30_000,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_line_costs_little_and_its_neighbours_are_read(file_accounts: Accounts, number: int) -> None:
    start = time.perf_counter()
    formats = {
        "*": ("a=%ci b=%tr c=%{+Q}[var(txn.ua)] d=%{+Q}r", '{"ts":"%tr","ci":"%ci","ua":"%[var(txn.ua),json]","x":%ST}')
    }
    class_by_line = file_accounts(GOOD % 1 + HOSTILE[number] + b"\n" + GOOD % 2, Haproxy(formats=formats))
    assert (class_by_line[1], class_by_line[3]) == ("request", "request")
    assert time.perf_counter() - start < 5


def test_a_line_of_ten_megabytes_is_refused_unread(file_accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = parsing.parse_lines

    def watched(numbered, *others):  # type: ignore[no-untyped-def]
        seen.extend(numbered["text"].str.len_bytes())
        return real(numbered, *others)

    monkeypatch.setattr(line_classes, "parse_lines", watched)
    class_by_line = file_accounts(
        GOOD % 1 + b"x" * 10_000_000 + b"\n" + HEAD + b'"GET /' + b"y" * 10_000_000 + b"\n" + GOOD % 2, Haproxy()
    )
    assert class_by_line == {1: "request", 2: "too_long", 3: "too_long", 4: "request"}
    assert max(seen) < log_lines.LONGEST


def test_httplog_lines_never_meet_the_slower_formats(file_accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("a slower format was tried")

    monkeypatch.setattr(parsing, "read", forbidden)
    assert set(file_accounts(b"".join(GOOD % number for number in range(50)), Haproxy()).values()) == {"request"}


class _File:
    """A file in landing, in pieces as its reader gives them."""

    batch_number = 1
    true_path = "haproxy/edge-01/haproxy-17-00.log"

    def __init__(self, *pieces: bytes) -> None:
        data = b"".join(pieces)
        self._pieces = pieces
        self.entry = FileEntry(self.true_path, len(data), "ab" * 32, "2001-01-15T17:00:00Z")

    def pieces(self) -> Iterator[bytes]:
        return iter(self._pieces)


def test_damaged_bytes_of_a_file_are_counted_line_by_line(
    make_rules: Callable[..., Rules], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_LAKE_SECRET", bytes(range(32)).hex())
    data = (
        b"\xef\xbb\xbf"
        + GOOD % 1
        + (GOOD % 2).replace(b"\n", b"\r\n")
        + b"\0" * 512
        + GOOD % 3
        + b"\xff\xfe\x00 garbage\n"
        + GOOD % 4
    )
    rules = make_rules(Haproxy())
    frames = list(reading.parse([_File(data)], rules, hasher_of(rules)))
    (row,) = frames[-1].rows(named=True)
    counts = [row[f"{kind}_count"] for kind in ("accepted", "reject", "unclaimed", "skipped")]
    assert (row["line_count"], counts) == (5, [4, 1, 0, 0])
