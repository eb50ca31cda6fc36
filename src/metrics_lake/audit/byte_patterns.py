"""Addresses and keys as bytes: IPv6 in 16 (or the 8 of its /64) and keys anywhere; IPv4 where a length says four.

Any four bytes are an IPv4 address, so 20 000 addresses would be "found" five times in each MB of noise. They count
as one where their length precedes them, as Java, Arrow, Parquet, Spark's rows and pickles write it, or
where a value of exactly four bytes is known (column_values.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from metrics_lake.audit.search_terms import SearchTerms, mark4

_FOUR = re.compile(rb"(?:\x04\x00\x00\x00|\x00\x00\x00\x04|[CU]\x04|\x00\x04(?!\x00))(?=(.{4}))", re.S)
_MAPPED, _MAPPED_BACK = bytes(10) + b"\xff\xff", b"\xff\xff" + bytes(10)
_HEAD = 8
_DISTINCT = 4  # bytes that are not zero; fewer (2001::, fe80::) would match any row of small numbers


class BytePatterns:
    """Searches for many fixed byte strings at once, by their first eight bytes."""

    def __init__(self, terms: SearchTerms) -> None:
        self._terms = terms
        self._by_head: dict[int, list[tuple[bytes, str, str]]] = {}
        for data, (form, mark) in terms.keys.items():
            self._add(data, form, mark)
        halves = ((net << 64, net.to_bytes(8, "big")) for net in terms.nets)
        wholes = ((number, number.to_bytes(16, "big")) for number in terms.v6)
        for number, data in (*halves, *wholes):
            if sum(byte > 0 for byte in data) >= _DISTINCT:
                self._add(data, "16 packed bytes", terms.address(number) or "")
                self._add(data[::-1], "16 packed bytes, backwards", terms.address(number) or "")

    def _add(self, data: bytes, form: str, mark: str) -> None:
        self._by_head.setdefault(int.from_bytes(data[:_HEAD], "little"), []).append((data, form, mark))

    @cached_property
    def _heads(self) -> npt.NDArray[np.uint64]:
        return np.array(sorted(self._by_head), dtype=np.uint64)

    @cached_property
    def _lists(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """The possible first two bytes of a pattern, and the possible fifth and sixth."""
        starts, middles = np.zeros(1 << 16, dtype=bool), np.zeros(1 << 16, dtype=bool)
        starts[(self._heads & np.uint64(0xFFFF)).astype(np.int64)] = True
        middles[(self._heads >> np.uint64(32) & np.uint64(0xFFFF)).astype(np.int64)] = True
        return starts, middles

    def fixed(self, data: bytes) -> Iterator[tuple[int, str, str]]:
        """(offset, form, mark) of every key and every IPv6 address in these bytes."""
        if self._by_head and len(data) >= _HEAD:
            for place, head in self._candidates(data):
                for pattern, form, mark in self._by_head[head]:
                    if data.startswith(pattern, place):
                        yield place, form, mark
        yield from self._mapped(data)

    def _candidates(self, data: bytes) -> Iterator[tuple[int, int]]:
        view = np.frombuffer(data, dtype=np.uint8)
        starts, middles = self._lists
        for shift in (0, 1):
            pairs = view[shift : shift + (len(view) - shift) // 2 * 2].view("<u2")
            places = np.flatnonzero(starts[pairs[:-3]] & middles[pairs[2:-1]]) * 2 + shift
            if len(places):
                heads = np.lib.stride_tricks.sliding_window_view(view, _HEAD)[places].copy().view("<u8").ravel()
                hit = is_in(heads, self._heads)
                yield from zip(places[hit].tolist(), heads[hit].tolist(), strict=True)

    def _mapped(self, data: bytes) -> Iterator[tuple[int, str, str]]:
        for mark, order in ((_MAPPED, "big"), (_MAPPED_BACK, "little")):
            place = data.find(mark) if self._terms.v4 else -1
            while place >= 0:
                four = data[place + 12 : place + 16] if order == "big" else data[max(place - 4, 0) : place]
                number = int.from_bytes(four, order)  # type: ignore[arg-type]
                if len(four) == 4 and number in self._terms.v4:
                    yield place, "16 packed bytes", mark4(number)
                place = data.find(mark, place + 1)


def is_in(values: npt.NDArray[Any], ordered: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which values are among those of an ordered, non-empty array."""
    is_equal: npt.NDArray[np.bool_] = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    return is_equal


def after_lengths(data: bytes) -> npt.NDArray[np.uint32]:
    """The four bytes after each length of four, as numbers; most are no addresses (see false_alarms.py)."""
    fours = b"".join(match[1] for match in _FOUR.finditer(data)) if b"\4" in data else b""
    numbers = np.frombuffer(fours, dtype=">u4").astype(np.uint32)
    return np.unique(numbers[numbers >= 1 << 24])
