"""Every line to the reader that knows it: the fast one of httplog first, the slower ones for what that leaves."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from metrics_lake.config.settings import Haproxy
from metrics_lake.sources.haproxy import httplog, log_lines
from metrics_lake.sources.haproxy.formats.binding import Bindings, bound
from metrics_lake.sources.haproxy.formats.builtin import SLOWER, built_in
from metrics_lake.sources.haproxy.formats.compiler import Format
from metrics_lake.sources.haproxy.formats.field_values import read
from metrics_lake.sources.haproxy.formats.tails import with_tails

_LINE = ("file_number", "line_number", "text")
Layouts = Mapping[str, tuple[str, ...]]


def understood(
    numbered: pl.DataFrame, haproxy: Haproxy, paths: Mapping[int, str] | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Requests (columns of `httplog.COLUMNS`, those that no line has left out), and lines that no format reads.

    `paths` says where each file lies, for the formats that the settings bind to files.
    """
    found = list[pl.DataFrame]()
    rest = numbered
    for numbers, forms in _own_formats(numbered, bound(haproxy), paths or {}).items():
        mine, rest = rest.filter(_of(numbers)), rest.filter(~_of(numbers))
        for form in forms:
            requests, mine = parted(mine, form, haproxy.captures)
            found.append(requests)
        rest = pl.concat([rest, mine.with_columns(begun=_begun(forms))], how="diagonal")
    requests, unread = httplog_parted(rest, haproxy.captures)
    found.insert(0, requests)
    slower, unread = built_in_parted(unread, haproxy.captures)
    return _together([*found, *slower.values()]), unread


def _together(found: list[pl.DataFrame]) -> pl.DataFrame:
    some = [frame for frame in found if frame.height] or found[:1]
    known = [frame.select(name for name in httplog.COLUMNS if name in frame.columns) for frame in some]
    return known[0] if len(known) == 1 else pl.concat(known, how="diagonal_relaxed")


def _own_formats(
    numbered: pl.DataFrame, bindings: Bindings, paths: Mapping[int, str]
) -> dict[tuple[int, ...], tuple[Format, ...]]:
    """Files that have formats of their own, those with the same ones together."""
    if not bindings.patterns:
        return {}
    together: dict[tuple[Format, ...], list[int]] = {}
    for number in numbered["file_number"].unique():
        if forms := bindings.formats_for(paths.get(number, "")):
            together.setdefault(forms, []).append(number)
    return {tuple(numbers): forms for forms, numbers in together.items()}


def _begun(forms: tuple[Format, ...]) -> pl.Expr:
    """Whether a line begins as one of the formats does, and so is a broken one of it."""
    starts = [form.start for form in forms if len(form.start.strip()) > 1]
    return pl.any_horizontal(pl.lit(False), *(pl.col("text").str.contains(start, literal=True) for start in starts))


def _of(numbers: tuple[int, ...]) -> pl.Expr:
    return pl.col("file_number").is_in(list(numbers))


def parted(unread: pl.DataFrame, form: Format, layouts: Layouts) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a format reads of some lines, and what it leaves."""
    tried = read(unread, form, layouts)
    return tried.filter("is_read"), unread.filter(~tried["is_read"])


def built_in_parted(unread: pl.DataFrame, layouts: Layouts) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """What each of the slower built-in formats reads of dated lines, and what all of them leave."""
    found: dict[str, pl.DataFrame] = {}
    for name, mark in SLOWER.items():
        is_likely = pl.col("after").is_not_null() & pl.col("text").str.contains(mark)
        likely = unread.filter(is_likely)
        if likely.height:
            found[name], left = parted(likely, built_in(name), layouts)
            unread = pl.concat([unread.filter(~is_likely), left])
    return found, unread


def httplog_parted(rest: pl.DataFrame, layouts: Layouts) -> tuple[pl.DataFrame, pl.DataFrame]:
    parts = log_lines.parted(rest)
    is_dated = pl.col("after").is_not_null()
    tried = httplog.read(parts.filter(is_dated), layouts)
    repeated = (pl.col("tail") == "]").fill_null(False) & pl.col("before").str.contains(
        log_lines.REPEATED, literal=True
    )
    tried = tried.with_columns(is_read=pl.col("is_read") & ~repeated)
    requests = with_tails(tried.filter("is_read"))
    columns = [*_LINE, "after", *(["begun"] if "begun" in rest.columns else [])]
    left = [tried.filter(~pl.col("is_read")).select(columns), parts.filter(~is_dated).select(columns)]
    return requests, pl.concat(left).sort("file_number", "line_number")
