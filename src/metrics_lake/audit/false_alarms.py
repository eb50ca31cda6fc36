"""How many numbers would equal an address by chance, and when a place has more hits than that.

A 32-bit number is one of N addresses with a chance of N / 2^32 if both lie anywhere; in truth both cluster (the
seconds of a year are two /8 networks), so the chance is taken from how densely the /12 around the number is filled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

ALARM = 0.01  # chance of one false alarm in a whole audit
_BLOCK_BITS = 20


class Density:
    """How densely addresses fill each /12 of IPv4."""

    def __init__(self, v4: Iterable[int]) -> None:
        self.numbers = np.array(sorted(v4), dtype=np.uint32)
        filled = np.bincount(self.numbers >> _BLOCK_BITS, minlength=1 << (32 - _BLOCK_BITS))
        self._share = filled / (1 << _BLOCK_BITS)

    def expected(self, numbers: npt.NDArray[np.uint32]) -> float:
        """How many of these numbers (and of their byte-swapped selves) would be addresses by chance."""
        return float(self._share[numbers >> _BLOCK_BITS].sum() + self._share[numbers.byteswap() >> _BLOCK_BITS].sum())

    def hits(self, numbers: npt.NDArray[np.uint32]) -> list[int]:
        """The addresses among these numbers, in either byte order."""
        either = np.concatenate([numbers, numbers.byteswap()])
        places = np.minimum(np.searchsorted(self.numbers, either), len(self.numbers) - 1)
        return sorted({int(number) for number in either[self.numbers[places] == either]})


def tail(hits: int, expected: float) -> float:
    """The chance of at least so many hits where `expected` of them come by chance (Poisson)."""
    if hits <= 0:
        return 1.0
    if expected == 0:
        return 0.0
    exactly = [math.exp(-expected + k * math.log(expected) - math.lgamma(k + 1)) for k in range(hits + 1)]
    return max(0.0, 1.0 - sum(exactly[:hits]), exactly[hits])


def is_no_accident(hits: int, expected: float, places: int) -> bool:
    """Whether a place's hits stand out, given that `places` places each had their chance."""
    return tail(hits, expected) * max(places, 1) < ALARM
