"""What an audit searches for: addresses as numbers, however they are written, and keys as bytes."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from metrics_lake.audit.report import mark_of

# Addresses that every machine writes about itself and that no listener has.
OWN = frozenset({"127.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "::"})
# Networks of IPv6 clients: global, unique local, link-local. `d::` or `::3` occur in any text and are nobody's address.
_CLIENTS = tuple(ipaddress.IPv6Network(network) for network in ("2000::/3", "fc00::/7", "fe80::/10"))


@dataclass(frozen=True)
class SearchTerms:
    """`v4` and `v6` are addresses as numbers, `nets` the upper halves of IPv6 addresses, which identify a /64.

    `keys` are byte strings of at least eight bytes with the form and the mark that a finding shows.
    """

    v4: frozenset[int] = frozenset()
    v6: frozenset[int] = frozenset()
    nets: frozenset[int] = frozenset()
    keys: Mapping[bytes, tuple[str, str]] = field(default_factory=dict)
    key_count: int = 0

    def __repr__(self) -> str:
        return f"SearchTerms({self.address_count} addresses, {self.key_count} keys)"

    @property
    def address_count(self) -> int:
        return len(self.v4) + len(self.v6)

    def address(self, number: int) -> str | None:
        """The mark of a 128-bit number that is one of the addresses, or whose /64 is one of theirs; None otherwise."""
        if number >> 32 == 0xFFFF:
            return mark4(number & 0xFFFFFFFF) if number & 0xFFFFFFFF in self.v4 else None
        is_known = number in self.v6 or (number & (1 << 64) - 1 == 0 and number >> 64 in self.nets)
        return mark_of(str(ipaddress.IPv6Address(number))) if is_known else None


def mark4(number: int) -> str:
    """The mark of an IPv4 address that is given as a number."""
    return mark_of(str(ipaddress.IPv4Address(number)))


def search_terms(
    addresses: Iterable[str] = (), keys: Mapping[str, bytes] | None = None, *, ignored: Iterable[str] = OWN
) -> SearchTerms:
    """SearchTerms from addresses in any spelling and from named keys (raw bytes, at least eight each).

    A text that is no address raises ValueError. `ignored` are addresses or networks that may be written anywhere, as
    may IPv6 addresses that no client has.
    """
    networks = [ipaddress.ip_network(text) for text in ignored]
    v4, v6 = set(), set()
    for text in addresses:
        parsed = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
        if any(parsed in network for network in networks):
            continue
        number = int(parsed)
        if parsed.version == 4 or number >> 32 == 0xFFFF:
            v4.add(number & 0xFFFFFFFF)
        elif any(parsed in network for network in _CLIENTS):
            v6.add(number)
    forms = {data: form for name, raw in (keys or {}).items() for data, form in _forms(name, raw)}
    return SearchTerms(frozenset(v4), frozenset(v6), frozenset(n >> 64 for n in v6 if n >> 64), forms, len(keys or {}))


def _forms(name: str, raw: bytes) -> Iterator[tuple[bytes, tuple[str, str]]]:
    """A key as bytes, hex and base64 (at each of its three offsets), and as the two pads that HMAC makes of it."""
    if len(raw) < 8:
        raise ValueError(f"{name} has fewer than 8 bytes, so it can't be searched for")
    mark = mark_of(f"{name} {raw.hex()}")
    pads = ((_pad(raw, 0x36), "key in HMAC's inner pad"), (_pad(raw, 0x5C), "key in HMAC's outer pad"))
    for data, what in ((raw, "key"), *pads):
        yield data, (f"{what}, bytes", mark)
        yield data[::-1], (f"{what}, bytes backwards", mark)
        for text in (data.hex(), data.hex().upper(), data.hex(":"), data.hex(" ")):
            yield text.encode(), (f"{what}, hex", mark)
        yield repr(data)[2:-1].encode(), (f"{what}, escaped bytes", mark)
        for encoded in _base64(data):
            yield encoded, (f"{what}, base64", mark)
    for number in _as_numbers(raw) if len(raw) == 8 else ():
        yield str(abs(number)).encode().rjust(8, b"0"), ("key, decimal", mark)


def _as_numbers(raw: bytes) -> set[int]:
    return {int.from_bytes(data, "big", signed=is_signed) for data in (raw, raw[::-1]) for is_signed in (True, False)}


def _pad(raw: bytes, with_byte: int) -> bytes:
    return bytes(byte ^ with_byte for byte in raw)


def _base64(data: bytes) -> Iterator[bytes]:
    """The characters that base64 gives `data` wherever it starts, those apart that its neighbours decide too."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + data)
        text = text.rstrip(b"=")[(0, 2, 3)[before] : -1]
        if len(text) >= 8:
            yield text
            yield text.translate(bytes.maketrans(b"+/", b"-_"))
