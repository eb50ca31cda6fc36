"""The country, region and kind of network of an address, from files in MaxMind's format; and whether a tenant owns its network.

Runs in the same step as the hash, over distinct addresses. Addresses are cached only in the memory of the process, because
every chunk has the same listeners. Any .mmdb file works: GeoLite2 and GeoIP2 (country, city, ASN, anonymous IP), DB-IP,
IPinfo, ip-location-db; the columns that a record lacks are null.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import maxminddb
import polars as pl
import yaml

HOSTING, ACCESS = "hosting", "access"
_COLUMNS = ("address", "country", "region", "network")
_CACHE_SIZE = 1 << 17
_COUNTRY_KEYS = ("country_code", "country", "countryCode")


class GeoFileError(Exception):
    """A geo file is missing or unreadable; the message names the setting and the remedy."""


class GeoFiles:
    """Open geo files, one object per worker process (see `open_files`); it can't be pickled."""

    def __init__(self, country_file: str = "", network_file: str = "") -> None:
        self._country = _open(country_file, "places.country_file")
        self._network = _open(network_file, "places.network_file")
        self._located = lru_cache(maxsize=_CACHE_SIZE)(self._locate)

    @property
    def kinds(self) -> tuple[str, str]:
        """The type that each file states of itself."""
        country, network = (file.metadata().database_type if file else "" for file in (self._country, self._network))
        return country, network

    def __reduce__(self) -> str:
        raise TypeError("opened files stay in their process; a worker opens its own")

    def describe(self, addresses: Sequence[str]) -> pl.DataFrame:
        """One row per address, in the order given: address, country (ISO 3166), region (ISO 3166-2), network (hosting, access)."""
        rows = [(address, *self._located(address)) for address in addresses]
        return pl.DataFrame(rows, schema=dict.fromkeys(_COLUMNS, pl.String), orient="row")

    def _locate(self, address: str) -> tuple[str | None, str | None, str | None]:
        country = _lookup(self._country, address)
        network = _lookup(self._network, address)
        return country_of(country), _region_of(country), _network_of(network)


@lru_cache(maxsize=4)
def open_files(country_file: str = "", network_file: str = "") -> GeoFiles:
    """Opens these files once per process; the columns of an empty file name are null."""
    return GeoFiles(country_file, network_file)


def databases(country_file: str = "", network_file: str = "") -> tuple[str, str]:
    """Which kinds of database these files are, in their own words; empty for an empty file name."""
    return open_files(country_file, network_file).kinds


def is_internal(addresses: Sequence[str], networks: Sequence[str]) -> list[bool]:
    """Whether each canonical address is in one of a tenant's own networks. An IPv6 address means its whole /64."""
    if not networks:
        return [False] * len(addresses)
    return [_is_inside(address, tuple(networks)) for address in addresses]


@lru_cache(maxsize=1024)
def _parsed(networks: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in networks)


@lru_cache(maxsize=_CACHE_SIZE)
def _is_inside(address: str, network_texts: tuple[str, ...]) -> bool:
    networks = _parsed(network_texts)
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(number, ipaddress.IPv6Address) and number.ipv4_mapped:
        number = number.ipv4_mapped
    around = ipaddress.ip_network(f"{number}/64", strict=False) if number.version == 6 else None
    return any(number in network or (around is not None and _inside(network, around)) for network in networks)


def _inside(network: ipaddress.IPv4Network | ipaddress.IPv6Network, around: Any) -> bool:
    """Whether a network smaller than a /64 is in this /64: the rest of the address is already removed."""
    return network.version == 6 and network.prefixlen > 64 and bool(network.subnet_of(around))


def _open(file: str, setting: str) -> maxminddb.Reader | None:
    if not file:
        return None
    remedy = f"name a file in MaxMind's format (.mmdb) with {setting}, or leave it empty to do without"
    if not Path(file).is_file():
        raise GeoFileError(f"{setting}: no file {file}; {remedy}")
    try:
        return maxminddb.open_database(file, maxminddb.MODE_AUTO)
    except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
        raise GeoFileError(f"{setting}: {file} can't be read ({type(error).__name__}); {remedy}") from None


def _lookup(reader: maxminddb.Reader | None, address: str) -> Mapping[str, Any]:
    """The record of an address; {} if there is none, if it is no address, or if it is IPv6 and the file is IPv4."""
    if reader is None:
        return {}
    try:
        record = reader.get(address)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def country_of(record: Mapping[str, Any]) -> str | None:
    """The country of a record, in capitals (ISO 3166), in whichever maker's shape; None where it names none."""
    for key in _COUNTRY_KEYS:
        value = record.get(key)
        code = value.get("iso_code") if isinstance(value, dict) else value
        if isinstance(code, str) and len(code) == 2 and code.isalpha():
            return code.upper()
    return None


def _region_of(record: Mapping[str, Any]) -> str | None:
    """`ZA-WC` if the file has the region's code, else the region's name."""
    subdivisions, country = record.get("subdivisions"), country_of(record)
    if isinstance(subdivisions, list) and subdivisions:
        first = subdivisions[0]
        code, name = first.get("iso_code"), first.get("names", {}).get("en")
        return f"{country}-{code}" if code and country else name
    name = record.get("region") or record.get("state1")
    return name if isinstance(name, str) and name else None


def _network_of(record: Mapping[str, Any]) -> str | None:
    if not record:
        return None
    if record.get("is_hosting_provider") or record.get("is_anonymous_vpn") or record.get("type") == HOSTING:
        return HOSTING
    number, name = record.get("autonomous_system_number", record.get("asn")), _operator(record)
    hosting = _hosting()
    if str(number).upper().removeprefix("AS") in hosting["numbers"] or any(word in name for word in hosting["words"]):
        return HOSTING
    return ACCESS


def _operator(record: Mapping[str, Any]) -> str:
    names = (record.get(key) for key in ("autonomous_system_organization", "as_name", "as_domain", "name"))
    return " ".join(name.lower() for name in names if isinstance(name, str))


@lru_cache(maxsize=1)
def _hosting() -> dict[str, frozenset[str]]:
    lists = yaml.safe_load(resources.files(__package__).joinpath("hosting.yaml").read_text("utf-8"))
    return {"numbers": frozenset(str(n) for n in lists["numbers"]), "words": frozenset(lists["words"])}
