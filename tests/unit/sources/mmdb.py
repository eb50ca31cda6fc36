"""A small writer of MaxMind's format (their specification 2.0), so that tests have their own geo files."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

_SHORT, _LONG = 5, 9  # unsigned of 16 and 64 bits; others are of 32
_WIDTHS = {
    "binary_format_major_version": _SHORT,
    "binary_format_minor_version": _SHORT,
    "build_epoch": _LONG,
    "ip_version": _SHORT,
    "record_size": _SHORT,
}


def write(path: Path, records: dict[str, dict[str, Any]], *, kind: str = "Test-Country") -> Path:
    """Writes networks and their records as a file for IPv4 (below ::/96) and IPv6."""
    tree: list[list[Any]] = [[None, None]]
    for network, record in records.items():
        _put(tree, ipaddress.ip_network(network), record)
    data, offsets = b"", {}
    for node in tree:
        for leaf in node:
            if isinstance(leaf, dict):
                offsets[id(leaf)] = len(data)
                data += _encoded(leaf)
    body = b"".join(_record(leaf, len(tree), offsets) for node in tree for leaf in node)
    metadata: dict[str, Any] = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "database_type": kind,
    }
    metadata |= {"build_epoch": 979516800, "description": {"en": "test"}, "languages": ["en"]}
    metadata |= {"ip_version": 6, "node_count": len(tree), "record_size": 24}
    path.write_bytes(body + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _encoded(metadata))
    return path


def _put(tree: list[list[Any]], network: Any, record: dict[str, Any]) -> None:
    is_v4 = network.version == 4
    bits = f"{int(network.network_address):0128b}"[: network.prefixlen + (96 if is_v4 else 0)]
    node = 0
    for bit in map(int, bits[:-1]):
        if not isinstance(tree[node][bit], int):
            tree.append([None, None])
            tree[node][bit] = len(tree) - 1
        node = tree[node][bit]
    tree[node][int(bits[-1])] = record


def _record(leaf: Any, count: int, offsets: dict[int, int]) -> bytes:
    number = count if leaf is None else leaf if isinstance(leaf, int) else count + 16 + offsets[id(leaf)]
    return number.to_bytes(3, "big")


def _encoded(value: Any, key: str = "") -> bytes:
    if isinstance(value, dict):
        return _head(7, len(value)) + b"".join(_encoded(key) + _encoded(inner, key) for key, inner in value.items())
    if isinstance(value, list):
        return _head(11, len(value)) + b"".join(map(_encoded, value))
    if isinstance(value, bool):
        return _head(14, int(value))
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _head(_WIDTHS.get(key, 6), len(raw)) + raw
    return _head(2, len(value.encode())) + value.encode()


def _head(kind: int, size: int) -> bytes:
    extra = bytes([size - 29]) if size >= 29 else b""
    size = min(size, 29)
    return bytes([kind << 5 | size]) + extra if kind < 8 else bytes([size, kind - 7]) + extra
