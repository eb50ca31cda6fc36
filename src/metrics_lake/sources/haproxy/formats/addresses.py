"""Who asked: the connecting address, or behind our own proxies the one that they were told (X-Forwarded-For)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import polars as pl

from metrics_lake.config.settings import Haproxy

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_ADDRESS = r"^[0-9A-Fa-f]*[:.][0-9A-Fa-f:.]*(?:%[\w.-]+)?$"
_HASH = r"^[A-Za-z0-9+/_-]{16,128}={0,2}$"
_NO_HASH = r"^[0-9.]+$"


def with_client_address(requests: pl.DataFrame, haproxy: Haproxy) -> pl.DataFrame:
    """`address` as that of the listener, where the connection came from one of the trusted proxies."""
    if not haproxy.trusted_proxies or haproxy.address_mode == "hashed":
        return requests
    trusted = [ipaddress.ip_network(network) for network in haproxy.trusted_proxies]
    pairs = requests.select("address", "x_forwarded_for").unique()
    pairs = pairs.filter(pl.col("x_forwarded_for").str.len_bytes() > 1)
    client_addresses = [_client_address(address, forwarded, trusted) for address, forwarded in pairs.rows()]
    pairs = pairs.with_columns(pl.Series("client_address", client_addresses, dtype=pl.String))
    joined = requests.join(pairs, on=["address", "x_forwarded_for"], how="left", maintain_order="left")
    return joined.with_columns(address=pl.coalesce("client_address", "address")).drop("client_address")


def is_invalid(haproxy: Haproxy) -> pl.Expr:
    """Whether an address is none of the kind that the settings promise: an IP address, or a hash made at the edge."""
    address = pl.col("address")
    if haproxy.address_mode == "hashed":
        return ~address.str.contains(_HASH) | address.str.contains(_NO_HASH)
    return ~(address.str.contains(_ADDRESS) | address.is_in(["-", "unix"]))


def parse_address(text: str) -> _Address | None:
    """An address as proxies write it: with a port, in brackets or quotes, IPv4 in IPv6; None if it is none."""
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


def _client_address(address: str, forwarded: str, trusted: Sequence[_Network]) -> str | None:
    """The right-most address of the list that isn't trusted, if the connecting one is; a proxy adds to the right.

    An entry that is no address ends the search: what stands left of it can be made up by anybody.
    """
    parsed_address = parse_address(address)
    if parsed_address is None or not _is_trusted(parsed_address, trusted):
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
