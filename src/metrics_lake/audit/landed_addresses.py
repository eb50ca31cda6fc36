"""The addresses that arrived: all that occur anywhere in the landing files or in their names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl

from metrics_lake.audit.containers import Damaged, guarded
from metrics_lake.audit.decoding import texts_within
from metrics_lake.audit.unpacking import chunks, streams
from metrics_lake.privacy.redaction import without_addresses

# `Chrome/125.0.0.0` is a version: a name that begins a word, a slash, then the number.
_V4 = r"(?:(?:^|[ \"'({|;,])[A-Za-z][A-Za-z0-9._+-]*/)?[0-9]+(?:(?:\.|%2[eE])[0-9]+){3,}"
_V6 = r"[0-9A-Fa-f:]{0,40}::[0-9A-Fa-f:.]{0,40}|(?:[0-9A-Fa-f]{1,4}:){6,7}[0-9A-Fa-f:.]{1,40}"


def addresses(folder: Path, unread: list[tuple[str, str]] | None = None) -> set[str]:
    """Addresses in the files (`.gz` and others packed likewise too) and file names below a landing folder, canonical spelling.

    Files that can't be opened are added to `unread`, each with its error.
    """
    texts: set[str] = set()
    for path in sorted(folder.rglob("*")):
        texts.update(_in(path.relative_to(folder).as_posix()))
        try:
            if path.is_file():
                with path.open("rb") as file:
                    texts.update(_in_file(file))
        except OSError as error:
            if unread is None:
                raise
            unread.append((without_addresses(str(path)), type(error).__name__))
    return texts


def addresses_of(files: Iterable[tuple[str, BinaryIO]]) -> set[str]:
    """The same of files that lie elsewhere, each with its name."""
    texts: set[str] = set()
    for name, file in files:
        texts.update(_in(name))
        texts.update(_in_file(file))
    return texts


def read_list(lines: Iterable[str]) -> list[str]:
    """A list of addresses, one a line; blank lines and `#` comments left out."""
    return [text for line in lines if (text := line.partition("#")[0].strip())]


def _in_file(file: BinaryIO) -> Iterator[str]:
    try:
        for _, stream in guarded(streams(file)):
            for _, data in guarded(chunks(stream)):
                yield from _in(data.decode("latin-1"))
                for _, text in texts_within(data):
                    yield from _in(text.decode("latin-1"))
    except Damaged:
        return  # addresses before the damage are kept; ingest reports the file


def _in(text: str) -> Iterator[str]:
    series = pl.Series([text])
    for token in series.str.extract_all(_V4).explode().drop_nulls().unique():
        if "/" not in token:
            yield from _parsed(re.sub("%2[eE]", ".", token))
    for token in series.str.extract_all(_V6).explode().drop_nulls().unique():
        yield from _parsed(token.rstrip("."))


def _parsed(token: str) -> Iterator[str]:
    """The address that a token is; IPv6 without brackets has its port after the last colon, so that is cut off too."""
    for reading in dict.fromkeys((token, token.rstrip(":"), token.rpartition(":")[0])):
        try:
            yield str(ipaddress.ip_address(reading))
        except ValueError:
            continue
