"""What the values of a captured header look like: hosts, URLs, user agents, addresses, or none of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

ADDRESS = "address"  # a single one: Host may be one as well as X-Forwarded-For
OTHER = "other"  # a value that is surely none of the headers that are read
EMPTY = ("", "-")
_V4, _V6 = r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?", r"\[?[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]?(?::\d+)?"
_ONE = rf"(?:{_V4}|{_V6})"
# The first that matches. Agents are told by a product with its version: `VLC/3.0`, `Mozilla/5.0`, `(…; Foo/2)`.
_PATTERNS: Mapping[str, str] = {
    ADDRESS: rf"^{_ONE}$",
    "x_forwarded_for": rf"^(?:{_ONE}|unknown)(?:\s*,\s*(?:{_ONE}|unknown))+$",
    "referer": r"^[A-Za-z][A-Za-z0-9+.-]*://",
    OTHER: r"^(?:(?:audio|video|text|application|image|multipart|\*)/|bytes[= ]|[a-z]{2}(?:-[A-Z]{2})?(?:,|;|$)|/|\"|W/\""
    r"|(?:gzip|deflate|br|identity|zstd)\b|\d+$|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-|[0-9A-Fa-f]{16,}$|(?:Basic|Bearer) "
    r"|[\w.-]+=\S|(?:HTTP/)?[12](?:\.\d)? \S|(?i:keep-alive|close)$)",
    "host": r"^(?:localhost|(?:[A-Za-z0-9_-]+\.)+[A-Za-z][A-Za-z0-9-]*\.?)(?::\d{1,5})?$",
    "user_agent": r"(?:^|[\s(;])[A-Za-z][^\s/()=;,:]*/v?\d",
}
_SURE, _LEAST = 0.8, 0.2  # of the distinct values whose kind is known
_SOME = 0.5  # of all distinct values


@dataclass(frozen=True)
class Evidence:
    """How many distinct values of one capture are of each kind; `unclear` ones are of none, empty ones don't count."""

    counts: Mapping[str, int] = field(default_factory=dict)
    unclear: int = 0

    @property
    def is_empty(self) -> bool:
        return not self.counts and not self.unclear

    def share(self, header: str) -> float:
        """Of the values whose kind is known, those that fit the header."""
        known = sum(self.counts.values())
        return sum(count for kind, count in self.counts.items() if fits(header, kind)) / known if known else 0.0

    @property
    def kind(self) -> str | None:
        """The kind of all values but a few; None if they don't tell."""
        counts = dict(self.counts)
        for header in ("x_forwarded_for", "host"):  # beside a list an address is of one, beside names it is a host
            if header in counts:
                counts[header] += counts.pop(ADDRESS, 0)
        known = sum(counts.values())
        kind, most = max(counts.items(), key=lambda pair: (pair[1], pair[0]), default=("", 0))
        return kind if known and most >= _SURE * known and most >= _SOME * (known + self.unclear) else None

    def contradicts(self, header: str) -> bool:
        """Whether nearly all values are of a kind that the header's can't be."""
        return self.kind is not None and not fits(header, self.kind) and self.share(header) < _LEAST


def fits(header: str, kind: str) -> bool:
    """Whether a value of this kind may be that header's."""
    return kind == header or (kind == ADDRESS and header in ("host", "x_forwarded_for"))


def evidence(captured: pl.DataFrame, key: list[str]) -> dict[tuple[object, ...], list[Evidence]]:
    """By key, the evidence of each capture in order. Needs the columns of the key and `captures`."""
    lists = captured.filter(pl.col("captures").list.len() > 0).select(*key, "captures")
    places = lists.with_columns(place=pl.int_ranges(0, pl.col("captures").list.len())).explode("captures", "place")
    distinct = places.unique()
    known = distinct.with_columns(kind=_kind(pl.col("captures")), is_empty=_is_empty(pl.col("captures")))
    counted = known.group_by(*key, "place", "kind", "is_empty").agg(pl.len().alias("values"))
    counts: dict[tuple[object, ...], dict[int, dict[str | None, int]]] = {}
    for *names, place, kind, is_empty, values in counted.rows():
        by_kind = counts.setdefault(tuple(names), {}).setdefault(place, {})
        if not is_empty:
            by_kind[kind] = by_kind.get(kind, 0) + values
    return {names: [_evidence(by_place[at]) for at in sorted(by_place)] for names, by_place in counts.items()}


def _evidence(by_kind: Mapping[str | None, int]) -> Evidence:
    return Evidence({kind: count for kind, count in by_kind.items() if kind}, by_kind.get(None, 0))


def _is_empty(value: pl.Expr) -> pl.Expr:
    return value.is_null() | value.str.strip_chars().is_in(EMPTY)


def _kind(value: pl.Expr) -> pl.Expr:
    kind = pl.lit(None, dtype=pl.String)
    for name, pattern in reversed(list(_PATTERNS.items())):
        kind = pl.when(value.str.contains(pattern)).then(pl.lit(name)).otherwise(kind)
    return kind
