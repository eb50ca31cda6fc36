"""The client's address: the connecting address, or X-Forwarded-For if a trusted proxy connected."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import polars as pl

from metrics_lake.config.settings import UNIX, Haproxy

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_ADDRESS = r"^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?)$"
# An address that surely has nothing glued to it.
_PLAIN = (
    r"^(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-Fa-f]{1,4}:|::)[0-9A-Fa-f]*(?::[0-9A-Fa-f]*)*"
    r"|-|unix|[A-Za-z0-9+/_-]{16,128}={0,2})$"
)
# The end of a text that is one, behind a character that can't be part of it; a word with its colon may precede.
_V4_AT_END = r"(?:^|[^0-9.])((?:::[Ff]{4}:(?:0:)?|(?:0{1,4}:){5}[Ff]{4}:|64:[Ff]{2}9[Bb]::)?\d{1,3}(?:\.\d{1,3}){3})$"
_V6_AT_END = (
    r"(?:^|[^0-9A-Za-z_:.]|[^0-9A-Za-z_:.]:|\w*[G-Zg-z_]\w*:|^:)"
    r"((?:::[0-9A-Fa-f]{1,4}|[0-9A-Fa-f]{1,4}:)[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?|::[0-9A-Fa-f]{0,4}(?:%[\w.-]+)?)$"
)
_WORD_AT_END = r"(?:^|[^\w-])(-|unix)$"
_HASH_AT_END = r"[^A-Za-z0-9+/_-]([A-Za-z0-9+/_-]{16,128}={0,2})$"
_HASH = r"^[A-Za-z0-9+/_-]{16,128}={0,2}$"
_NO_HASH = r"^[0-9.]+$"


def with_client_address(requests: pl.DataFrame, haproxy: Haproxy) -> pl.DataFrame:
    """Replaces `address` by the client's own, if a trusted proxy connected."""
    if not haproxy.trusted_proxies or haproxy.address_mode == "hashed":
        return requests
    trusted = [ipaddress.ip_network(network) for network in haproxy.trusted_proxies if network != UNIX]
    trusts_unix = UNIX in haproxy.trusted_proxies
    pairs = requests.select("address", "x_forwarded_for").unique()
    pairs = pairs.filter(pl.col("x_forwarded_for").str.len_bytes() > 1)
    client_addresses = [
        _client_address(address, forwarded, trusted, trusts_unix=trusts_unix) for address, forwarded in pairs.rows()
    ]
    pairs = pairs.with_columns(pl.Series("client_address", client_addresses, dtype=pl.String))
    joined = requests.join(pairs, on=["address", "x_forwarded_for"], how="left", maintain_order="left")
    return joined.with_columns(address=pl.coalesce("client_address", "address")).drop("client_address")


def unglued(requests: pl.DataFrame) -> pl.DataFrame:
    """`address` without what stands before it unseparated: `haproxy[31]:`, `MESSAGE=`, `{"msg":"`. What has no address stays."""
    is_plain = requests["address"].str.contains(_PLAIN).fill_null(True)
    if is_plain.all():
        return requests
    address = pl.col("address")
    endings = [address.str.extract(pattern) for pattern in (_V4_AT_END, _V6_AT_END, _WORD_AT_END, _HASH_AT_END)]
    cut = pl.coalesce(*endings, address)
    return requests.with_columns(address=pl.when(pl.lit(is_plain)).then(address).otherwise(cut))


def is_invalid(haproxy: Haproxy) -> pl.Expr:
    """Whether an address isn't of the configured kind: an IP address, or a hash that HAProxy made."""
    address = pl.col("address")
    if haproxy.address_mode == "hashed":
        return ~address.str.contains(_HASH) | address.str.contains(_NO_HASH)
    return ~(address.str.contains(_ADDRESS) | address.is_in(["-", UNIX]))


def parse_address(text: str) -> _Address | None:
    """Parses an address as proxies write it: with a port, in brackets or quotes, IPv4 in IPv6. None if it is invalid."""
    bare = text.strip(" \t\"'")
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        parsed_address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed_address, "ipv4_mapped", None) or parsed_address


def _client_address(
    address: str, forwarded: str, trusted: Sequence[_Network], *, trusts_unix: bool = False
) -> str | None:
    """The right-most untrusted address of the list, if the connecting one is trusted; each proxy appends its own on the right.

    An invalid entry ends the search, because a client can forge everything left of it.
    """
    parsed_address = parse_address(address)
    is_socket = trusts_unix and address == UNIX
    if not is_socket and (parsed_address is None or not _is_trusted(parsed_address, trusted)):
        return None
    last = None
    for entry in reversed(forwarded.split(",")):
        parsed_address = parse_address(entry)
        if parsed_address is None:
            break
        last = str(parsed_address)
        if not _is_trusted(parsed_address, trusted):
            break
    return last


def _is_trusted(address: _Address, trusted: Sequence[_Network]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)
