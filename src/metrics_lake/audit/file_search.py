"""Searches one file: its bytes, its unpacked streams, and the values of its columns."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from metrics_lake.audit import column_values, text_addresses
from metrics_lake.audit.byte_patterns import BytePatterns, after_lengths
from metrics_lake.audit.containers import Damaged, guarded
from metrics_lake.audit.decoding import texts_within
from metrics_lake.audit.false_alarms import Density
from metrics_lake.audit.report import Finding
from metrics_lake.audit.search_terms import SearchTerms, mark4
from metrics_lake.audit.unpacking import CHUNK_BYTES, chunks, streams
from metrics_lake.privacy.redaction import without_addresses

_FORMATS = {column_values.PARQUET: column_values.of_parquet, column_values.ARROW: column_values.of_arrow}


@dataclass(frozen=True)
class Tools:
    """The search terms, and what is derived from them once for all files."""

    terms: SearchTerms

    @cached_property
    def density(self) -> Density:
        return Density(self.terms.v4)

    @cached_property
    def patterns(self) -> BytePatterns:
        return BytePatterns(self.terms)


@dataclass
class FileSearch:
    """The hits in one file: certain ones, and by form the numbers that may be addresses, with the expected number by chance."""

    path: Path
    tools: Tools
    certain: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    weak: dict[str, dict[str, Finding]] = field(default_factory=lambda: defaultdict(dict))
    expected: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    unread: list[str] = field(default_factory=list)
    size: int = 0
    unpacked: int = 0
    _waiting: list[column_values.ColumnValues] = field(default_factory=list)
    _waiting_bytes: int = 0

    def run(self) -> FileSearch:
        self._bytes("name: ", 0, str(self.path).encode())
        try:
            with self.path.open("rb") as file:
                for place, stream in guarded(streams(file)):
                    try:
                        self._stream(place, stream)
                    except Damaged as error:  # the next entry of an archive may be whole
                        self.unread.append(f"{without_addresses(place)}{error}")
        except OSError as error:
            self.unread.append(type(error).__name__)
        except Damaged as error:
            self.unread.append(str(error))
        return self

    def _stream(self, place: str, stream: BinaryIO) -> None:
        for offset, data in guarded(chunks(stream)):
            self.size += 0 if place else len(data)
            self.unpacked += len(data) if place else 0
            self._bytes(place, offset, data)
            if offset == 0:
                self._known_values(place, data)

    def _known_values(self, place: str, start: bytes) -> None:
        """Columns and rows, if the bytes are a file of a known format."""
        read = next((read for magic, read in _FORMATS.items() if start.startswith(magic)), None)
        is_sqlite = start.startswith(column_values.SQLITE) and not place
        if not (read or is_sqlite) or (place and len(start) >= CHUNK_BYTES):
            return
        try:
            if is_sqlite:
                self._all(place, column_values.of_sqlite(self.path))
            elif read and place:
                self._all(place, read(io.BytesIO(start)))
            elif read:
                with self.path.open("rb") as file:
                    self._all(place, read(file))
        except Damaged as error:
            self.unread.append(f"{place or 'values'}: {error}")

    def _all(self, place: str, columns: Iterable[column_values.ColumnValues]) -> None:
        """Searches small columns together first: most have no hit, and every pass costs time."""
        try:
            for value in guarded(iter(columns)):
                self._numbers_of(f"{place}{value.place}", value)
                self._waiting.append(value)
                self._waiting_bytes += len(value.joined)
                if self._waiting_bytes > CHUNK_BYTES:
                    self._texts(place)
        finally:
            self._texts(place)

    def _texts(self, place: str) -> None:
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        trial = FileSearch(self.path, self.tools)
        trial._bytes("", 0, b"\n".join(value.joined for value in waiting), is_text=True)
        for form, expected in trial.expected.items():
            self.expected[form] += expected
        if trial.certain or trial.weak:
            for value in waiting:
                self._bytes(f"{place}{value.place}: ", 0, value.joined, is_text=True)

    def _numbers_of(self, place: str, value: column_values.ColumnValues) -> None:
        self.unpacked += len(value.joined)
        if value.fours:
            fours = np.frombuffer(b"".join(value.fours), dtype=">u4").astype(np.uint32)
            self._numbers(place, "4 packed bytes", fours)
        if value.integers is not None:
            self._integers(place, value.integers)

    def _bytes(self, place: str, offset: int, data: bytes, *, is_text: bool | None = None) -> None:
        terms, patterns = self.tools.terms, self.tools.patterns
        is_text = b"\0" not in data if is_text is None else is_text
        for at, form, mark in patterns.fixed(data):
            self._add_certain(f"{place}byte {offset + at}", place, form, mark)
        if not terms.address_count:
            return
        shaped = text_addresses.tokens(data)
        for hit in text_addresses.hits(shaped, terms, is_text=is_text):
            self._add_certain(f"{place}byte {offset + max(data.find(hit.token), 0)}", place, hit.form, hit.mark)
        if terms.v4:
            for numbers in text_addresses.numbers(shaped):
                known = self._numbers(
                    None, numbers.form, np.fromiter(numbers.tokens, dtype=np.uint32, count=len(numbers.tokens))
                )
                for hit in text_addresses.hits_among(numbers, known):
                    where = f"{place}byte {offset + data.find(hit.token)}"
                    self._add_weak(where, hit.form, hit.mark)
            self._numbers(f"{place}byte {offset} and on", "4 packed bytes", after_lengths(data))
        for spelling, text in texts_within(data):
            self._wrapped(f"{place}byte {offset} and on", spelling, text, is_text=is_text)

    def _wrapped(self, place: str, spelling: str, text: bytes, *, is_text: bool) -> None:
        """Searches a decoded text, for forms that are certain: its numbers are as often noise."""
        terms = self.tools.terms
        for hit in text_addresses.hits(text_addresses.tokens(text), terms, is_text=is_text):
            self._add_certain(f"{place}: {spelling}", place, f"{hit.form} in {spelling}", hit.mark)

    def _integers(self, place: str, integers: column_values.Integers) -> None:
        halves = np.unique(integers.astype(np.uint64))
        for net in halves[np.isin(halves, np.array(sorted(self.tools.terms.nets), dtype=np.uint64))]:
            self._add_certain(place, place, "integer", self.tools.terms.address(int(net) << 64) or "")
        in_range = integers[(abs(integers) >= 1 << 24) & (integers < 1 << 32) & (integers >= -(1 << 31))]
        self._numbers(place, "integer", (in_range & 0xFFFFFFFF).astype(np.uint32))

    def _numbers(self, place: str | None, form: str, numbers: npt.NDArray[np.uint32]) -> list[int]:
        """Adds the expected hits by chance, and keeps the addresses among the numbers if their place is known."""
        if not len(numbers) or not self.tools.terms.v4:
            return []
        self.expected[form] += self.tools.density.expected(numbers)
        known = self.tools.density.hits(numbers)
        for number in known if place is not None else ():
            self._add_weak(place or "", form, mark4(number))
        return known

    def _add_certain(self, where: str, place: str, form: str, mark: str) -> None:
        self.certain.setdefault((place, form, mark), self._finding(where, form, mark))

    def _add_weak(self, where: str, form: str, mark: str) -> None:
        self.weak[form].setdefault(mark, self._finding(where, form, mark))

    def _finding(self, where: str, form: str, mark: str) -> Finding:
        return Finding(without_addresses(str(self.path)), without_addresses(where), form, mark)
