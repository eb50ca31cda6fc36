"""Addresses in text: one linear pass a form extracts everything with the shape of an address, to look it up in a set.

Rust's regular expressions (in Polars) do the passes, so a hostile line costs no more than a plain one. In binary data
values follow each other without a break, so there an address may also lie inside a token.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from metrics_lake.audit.search_terms import SearchTerms, mark4

_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_SHAPES = {
    "dotted": r"[0-9]+(?:[._-][0-9]+){3,}(?:\.in-addr)?",
    "colons": r"[0-9A-Fa-f:]{0,40}::[0-9A-Fa-f:.]{0,40}|[0-9A-Fa-f]+(?::[0-9A-Fa-f]{1,4}){6,7}[0-9A-Fa-f:.]{0,40}",
    "encoded": r"[0-9A-Fa-f]{0,4}(?:%(?:25)?(?:2[eE]|3[aA])[0-9A-Fa-f]{0,4}){2,8}",
    "decimal": r"(?-u:\b)(?:[0-9]+\.)?(?:[0-9]{8,10}|[0-9]{36,39})(?:\.[0-9]+)?(?-u:\b)",
    "hex": rf"(?-u:\b)(?:{_UUID}|(?:0[xX])?(?:[0-9A-Fa-f]{{32}}|[0-9A-Fa-f]{{16}}|[0-9A-Fa-f]{{8}}))(?-u:\b)",
    "pairs": r"(?-u:\b)[0-9A-Fa-f]{2}(?:[ :-][0-9A-Fa-f]{2}){3,15}(?-u:\b)",
}
_PASSES = [pl.col("text").str.extract_all(shape).list.unique().alias(name) for name, shape in _SHAPES.items()]
_ENCODED = ((re.compile("%(?:25)?2[eE]"), "."), (re.compile("%(?:25)?3[aA]"), ":"))
_NO_SIGNS = str.maketrans("", "", "-: ")
Tokens = dict[str, list[str]]


@dataclass(frozen=True)
class Hit:
    """A token that is an address, with its form and its mark; `number` where the token may be just a number."""

    token: bytes
    form: str
    mark: str
    number: int | None = None


@dataclass(frozen=True)
class Numbers:
    """32-bit numbers in a text, in one weak form, with the token of each."""

    form: str
    tokens: dict[int, bytes]


def tokens(data: bytes) -> Tokens:
    """Everything with the shape of an address or a number, by shape, without repeats."""
    row: Tokens = pl.DataFrame({"text": [data.decode("latin-1")]}).select(_PASSES).row(0, named=True)
    return row


def hits(shaped: Tokens, terms: SearchTerms, *, is_text: bool) -> Iterator[Hit]:
    """Addresses in forms that are certain."""
    for token in shaped["dotted"]:
        yield from _dotted(token, terms, is_text=is_text)
    for token in shaped["colons"]:
        yield from _coloned(token, terms, is_text=is_text)
    for token in shaped["encoded"]:
        plain = token
        for pattern, character in _ENCODED:
            plain = pattern.sub(character, plain)
        plain_hits = _coloned(plain, terms, is_text=False) if ":" in plain else _dotted(plain, terms, is_text=False)
        yield from (Hit(token.encode(), f"percent-encoded {hit.form}", hit.mark) for hit in plain_hits)
    yield from _long(shaped, terms)


def numbers(shaped: Tokens) -> Iterator[Numbers]:
    """Words that are 32-bit numbers, in decimal or as eight hex digits: any of them may be an address or just a number."""
    decimal = {int(token): token.encode() for token in shaped["decimal"] if token.isdigit() and len(token) <= 10}
    yield Numbers("decimal", {n: token for n, token in decimal.items() if 1 << 24 <= n < 1 << 32})
    bare = (token for token in shaped["hex"] if len(token.lower().removeprefix("0x")) == 8)
    pairs = (token for token in shaped["pairs"] if len(token) == 11 and token[2] == token[5] == token[8])
    hexes = {int(re.sub("[-: ]", "", token), 16): token.encode() for source in (bare, pairs) for token in source}
    yield Numbers("hex of 4 bytes", {n: token for n, token in hexes.items() if n >= 1 << 24})


def _dotted(token: str, terms: SearchTerms, *, is_text: bool) -> Iterator[Hit]:
    """Four numbers in a row with the same sign between them, at any place of a longer row."""
    parts, signs = re.split("[._-]", token.removesuffix(".in-addr")), re.findall("[._-]", token)
    rows = list(zip(parts, parts[1:], parts[2:], parts[3:], signs, signs[1:], signs[2:], strict=False))
    first, last = rows[:1], rows[-1:]
    for row in dict.fromkeys(rows):
        if row[4] == row[5] == row[6]:
            for number in _readings(row[:4], not is_text and [row] == first, not is_text and [row] == last):
                yield from _four(number, row[4].join(row[:4]), row[4], token, terms)


def _four(number: int, text: str, sign: str, token: str, terms: SearchTerms) -> Iterator[Hit]:
    if number in terms.v4:
        yield Hit(text.encode(), "dotted" if sign == "." else "dashed", mark4(number))
    elif token.endswith(".in-addr") and (back := _backwards(number)) in terms.v4:
        yield Hit(token.encode(), "reverse DNS", mark4(back))


def _readings(four: Sequence[str], loose_start: bool, loose_end: bool) -> Iterator[int]:
    """The addresses that four runs of digits can be; also shorter runs, where digits of a neighbour may precede or follow."""
    first, last = four[0], four[3]
    starts = [first[i:] for i in range(len(first))][-3:] if loose_start else [first]
    ends = [last[:i] for i in range(1, len(last) + 1)][:3] if loose_end else [last]
    for a in starts:
        for d in ends:
            octets = [a, *four[1:3], d]
            if all(len(octet) <= 3 and octet.isdigit() and int(octet) <= 255 for octet in octets):
                yield int.from_bytes(bytes(int(octet) for octet in octets), "big")


def _backwards(number: int) -> int:
    return int.from_bytes(number.to_bytes(4, "big"), "little")


def _coloned(token: str, terms: SearchTerms, *, is_text: bool) -> Iterator[Hit]:
    """IPv6 in any spelling: capitals, leading zeros, `::` anywhere, the last part dotted."""
    for reading in (token.rstrip(".:"), token) if is_text else _trimmed(token):
        try:
            number = int(ipaddress.IPv6Address(reading))
        except ValueError:
            continue
        mark = terms.address(number)
        if mark:
            yield Hit(token.encode(), "IPv6", mark)
            return


def _trimmed(token: str) -> Iterator[str]:
    """The parts of a token that remain without digits and colons of its neighbours."""
    for place in [0, *(match.end() for match in re.finditer(":", token))][:-2]:
        first, _, rest = token[place:].partition(":")
        inner, _, last = rest.rpartition(":")
        for start in range(min(len(first), 4) + 1):
            for end in range(min(len(last), 4) + 1):
                yield f"{first[len(first) - start :]}:{inner}:{last[:end]}"


def _long(shaped: Tokens, terms: SearchTerms) -> Iterator[Hit]:
    """IPv6 as one number: 32 hex digits (or the 16 of its /64), sixteen pairs, or up to 39 decimal digits."""
    for token in (*shaped["hex"], *(pair for pair in shaped["pairs"] if len(pair) == 47)):
        digits = token if len(token) < 33 else token.translate(_NO_SIGNS).removeprefix("0x").removeprefix("0X")
        if len(digits) == 32 and (mark := terms.address(int(digits, 16))):
            yield Hit(token.encode(), "hex of 16 bytes", mark)
        elif len(digits) == 16 and (number := int(digits, 16)) in terms.nets:
            yield Hit(token.encode(), "hex of 8 bytes", terms.address(number << 64) or "")
    for token in shaped["decimal"]:
        if len(token) >= 36 and token.isdigit() and (mark := terms.address(int(token))):
            yield Hit(token.encode(), "decimal of 16 bytes", mark)


def hits_among(numbers: Numbers, known: Iterable[int]) -> Iterator[Hit]:
    """The hits for the numbers that are `known` to be addresses, in either byte order."""
    for address in known:
        for number in (address, _backwards(address)):
            if number in numbers.tokens:
                yield Hit(numbers.tokens[number], numbers.form, mark4(address), address)
