"""The texts that a text may wrap: arrays of numbers, base64, hex, escapes of any usual kind, UTF-16. They are searched too.

One linear pass for each spelling (Rust's regular expressions) extracts its runs; all runs of a spelling are decoded
together. Of what comes out only printable rows are kept, so that decoded noise costs little.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterator

import polars as pl

_DEPTH = 3  # such as an array of bytes in an object in base64
_UNPACKED_BYTES = 8 << 20
_PRINTABLE = re.compile(rb"[\t -~]{7,}")  # 1.2.3.4 is the shortest address
_HEX_PAIR = r"(?:0[xX]|\\x)?[0-9A-Fa-f]{2}"
_ESCAPE = (
    r"(?:%(?:25)*[0-9A-Fa-f]{2}|[=#][0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u00[0-9A-Fa-f]{2}|[\\#][0-3][0-7]{2}"
    r"|&#[xX]?[0-9A-Fa-f]{2,3};)"
)
_HEX_ESCAPE = re.compile(rb"(?:%(?:25)*|[=#]|\\x|\\u00|&#[xX])([0-9A-Fa-f]{2});?")
_OCTAL_ESCAPE = re.compile(rb"[\\#]([0-3][0-7]{2})")
_DECIMAL_ESCAPE = re.compile(rb"&#([0-9]{2,3});")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
Runs = list[bytes]


def texts_within(data: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """(spelling, text): what the runs of each spelling in these bytes say, also one within another."""
    if depth == _DEPTH:
        return
    columns = pl.DataFrame({"text": [data.decode("latin-1")]}).select(_PASSES).row(0)
    for (spelling, _, decode), rows in zip(_SPELLINGS, columns, strict=True):
        text = b"\n".join(decode([run.encode("latin-1") for run in rows]))
        if len(text) >= 7:
            yield spelling, text
            yield from ((f"{inner} in {spelling}", deeper) for inner, deeper in texts_within(text, depth + 1))


def _of_base64(runs: Runs) -> Iterator[bytes]:
    """At each of the four places where a row may begin, since what precedes it may be of the same letters."""
    for start in range(4):
        parts = (run[start:].translate(_URL_SAFE) for run in runs)
        padded = b"AAAA".join(part + b"A" * (-len(part) % 4) for part in parts)
        yield from _PRINTABLE.findall(base64.b64decode(padded))
    for run in runs:
        if run.startswith(b"H4sI"):  # the head of gzip
            yield from _PRINTABLE.findall(
                _unpacked(base64.b64decode(run.translate(_URL_SAFE) + b"A" * (-len(run) % 4)))
            )


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(packed, _UNPACKED_BYTES)
    except zlib.error:
        return b""


def _of_hex(runs: Runs) -> Iterator[bytes]:
    for start in range(2):
        parts = (run[start:] for run in runs)
        joined = b"00".join(part[: len(part) // 2 * 2] for part in parts)
        yield from _PRINTABLE.findall(bytes.fromhex(joined.decode()))


def _of_pairs(runs: Runs) -> Iterator[bytes]:
    joined = b"00".join(re.sub(rb"0[xX]|\\x|[ :,-]", b"", run) for run in runs)
    yield from _PRINTABLE.findall(bytes.fromhex(joined.decode()))


def _of_numbers(runs: Runs) -> Iterator[bytes]:
    """Rows of numbers as the bytes of a text; rows of four as an address, of sixteen as IPv6."""
    for run in runs:
        numbers = [int(number) for number in re.findall(rb"[0-9]+", run)]
        if max(numbers) > 255:
            continue
        if len(numbers) == 4:
            yield b".".join(b"%d" % number for number in numbers)
        elif len(numbers) == 16:
            yield bytes(numbers).hex(":", 2).encode()
        yield from _PRINTABLE.findall(bytes(numbers))


def _of_escapes(runs: Runs) -> Iterator[bytes]:
    for run in runs:
        for first, second in ((_of_hex_escapes, _of_octal_escapes), (_of_octal_escapes, _of_hex_escapes)):
            yield second(first(_DECIMAL_ESCAPE.sub(lambda match: bytes([int(match[1]) & 255]), run)))


def _of_hex_escapes(run: bytes) -> bytes:
    """`=20` alone is a parameter's value and no quoted-printable, which has several."""
    is_quoted = run.count(b"=") > 1
    return _HEX_ESCAPE.sub(
        lambda match: match[0] if match[0][:1] == b"=" and not is_quoted else bytes.fromhex(match[1].decode()), run
    )


def _of_octal_escapes(run: bytes) -> bytes:
    return _OCTAL_ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), run)


def _of_wide(runs: Runs) -> Iterator[bytes]:
    return (run.replace(b"\0", b"") for run in runs)


_SPELLINGS: tuple[tuple[str, str, Callable[[Runs], Iterator[bytes]]], ...] = (
    ("base64", r"[A-Za-z0-9+/_-]{10,}", _of_base64),
    ("hex", r"[0-9A-Fa-f]{14,}", _of_hex),
    ("hex with signs", rf"(?-u:\b){_HEX_PAIR}(?:[ :,-]{{0,2}}{_HEX_PAIR}){{6,}}", _of_pairs),
    ("an array of numbers", r"(?-u:\b)[0-9]{1,3}(?:[ \t\r\n]*[,;][ \t\r\n]*[0-9]{1,3}){3,}(?-u:\b)", _of_numbers),
    ("escapes", rf"[0-9A-Fa-f.:]*{_ESCAPE}(?:[0-9A-Fa-f.:]|{_ESCAPE})+", _of_escapes),
    ("UTF-16", r"(?:[ -~]\x00{1,3}){7,}|(?:\x00{1,3}[ -~]){7,}", _of_wide),
)
_PASSES = [
    pl.col("text").str.extract_all(pattern).list.unique(maintain_order=True).alias(spelling)
    for spelling, pattern, _ in _SPELLINGS
]
