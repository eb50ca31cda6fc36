"""A tree of hashes with salts as its leaves, each of which can be removed for good.

Goldreich, Goldwasser, Micali: How to Construct Random Functions (1986). Each node gives its two children by HMAC-SHA256, so
one random root gives every leaf, and no leaf reveals another. To destroy a leaf, the nodes on its path are replaced by
the nodes beside the path: every other leaf still follows from these, the destroyed one from none.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import date

_INDEX_BITS = 24
_KINDS = {4: "01", 7: "10", 10: "11"}  # by the length of an epoch's name; an own part of the tree for each
Nodes = Mapping[str, bytes]


class KeysError(Exception):
    """The file of salts is missing or damaged, or an epoch is no epoch; the message names the remedy."""


def path_of(epoch: str) -> str:
    """An epoch's place in the tree as a row of 0 and 1: two for its kind, 24 for its number."""
    try:
        first = date.fromisoformat(f"{epoch}-01-01"[:10])
        number = {4: first.year, 7: first.year * 12 + first.month, 10: first.toordinal()}[len(epoch)]
    except (ValueError, KeyError):
        raise KeysError(f"{epoch!r} is no epoch: write 2026, 2026-11 or 2026-11-22") from None
    return f"{_KINDS[len(epoch)]}{number:0{_INDEX_BITS}b}"


def covering(nodes: Nodes, path: str) -> str | None:
    """The stored node from which an epoch's salt follows."""
    return next((path[:length] for length in range(len(path) + 1) if path[:length] in nodes), None)


def leaf(node: bytes, path: str) -> bytes:
    """The salt at the end of a path down from a node."""
    for step in path:
        node = _child(node, step)
    return node


def _child(node: bytes, step: str) -> bytes:
    return hmac.digest(node, step.encode(), "sha256")


def punctured(nodes: Nodes, path: str) -> dict[str, bytes]:
    """The same tree without one leaf: the nodes beside its path replace the node above it."""
    start = covering(nodes, path)
    if start is None:
        return dict(nodes)
    kept = {place: node for place, node in nodes.items() if place != start}
    node = nodes[start]
    for depth in range(len(start), len(path)):
        step = path[depth]
        beside = "1" if step == "0" else "0"
        kept[path[:depth] + beside] = _child(node, beside)
        node = _child(node, step)
    return kept
