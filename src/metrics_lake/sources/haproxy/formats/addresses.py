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


def asking(requests: pl.DataFrame, haproxy: Haproxy) -> pl.DataFrame:
    """`address` as that of the listener, where the connection came from one of the trusted proxies."""
    if not haproxy.trusted_proxies or haproxy.address_mode == "hashed":
        return requests
    trusted = [ipaddress.ip_network(network) for network in haproxy.trusted_proxies]
    pairs = requests.select("address", "x_forwarded_for").unique()
    pairs = pairs.filter(pl.col("x_forwarded_for").str.len_bytes() > 1)
    told = [_told(address, forwarded, trusted) for address, forwarded in pairs.rows()]
    pairs = pairs.with_columns(pl.Series("told", told, dtype=pl.String))
    joined = requests.join(pairs, on=["address", "x_forwarded_for"], how="left", maintain_order="left")
    return joined.with_columns(address=pl.coalesce("told", "address")).drop("told")


def is_none(haproxy: Haproxy) -> pl.Expr:
    """Whether an address is none of the kind that the settings promise: an IP address, or a hash made at the edge."""
    address = pl.col("address")
    if haproxy.address_mode == "hashed":
        return ~address.str.contains(_HASH) | address.str.contains(_NO_HASH)
    return ~(address.str.contains(_ADDRESS) | address.is_in(["-", "unix"]))


def parsed(text: str) -> _Address | None:
    """An address as proxies write it: with a port, in brackets or quotes, IPv4 in IPv6; None if it is none."""
    bare = text.strip(" \t\"'")
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _told(address: str, forwarded: str, trusted: Sequence[_Network]) -> str | None:
    """The right-most address of the list that isn't trusted, if the connecting one is; a proxy adds to the right.

    An entry that is no address ends the search: what stands left of it can be made up by anybody.
    """
    asked = parsed(address)
    if asked is None or not _is_trusted(asked, trusted):
        return None
    last = None
    for entry in reversed(forwarded.split(",")):
        asked = parsed(entry)
        if asked is None:
            break
        last = str(asked)
        if not _is_trusted(asked, trusted):
            break
    return last


def _is_trusted(address: _Address, trusted: Sequence[_Network]) -> bool:
    return any(address.version == network.version and address in network for network in trusted)
