"""Parses every line with the format that fits: the fast parser of httplog first, the slower ones for the rest."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

import polars as pl

from metrics_lake.config.settings import Haproxy
from metrics_lake.sources.haproxy import httplog, log_lines
from metrics_lake.sources.haproxy.captures import Decided, Layouts, layouts_of
from metrics_lake.sources.haproxy.formats.addresses import unglued
from metrics_lake.sources.haproxy.formats.binding import Bindings, bound
from metrics_lake.sources.haproxy.formats.builtin import SLOWER, built_in
from metrics_lake.sources.haproxy.formats.compiler import Format
from metrics_lake.sources.haproxy.formats.field_values import read
from metrics_lake.sources.haproxy.formats.tails import with_tails

HTTPLOG = "httplog"  # and what has more behind it, which `tail` tells
_LINE = ("file_number", "line_number", "text")


def parse_lines(
    numbered: pl.DataFrame,
    haproxy: Haproxy,
    paths: Mapping[int, str] | None = None,
    captures: MutableMapping[str, Decided] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Requests (columns of `httplog.COLUMNS` that at least one line has, `form` and `tail`), and the lines that no format parses.

    `paths` are the paths of the files, for the formats that the settings bind to files; `captures` has by path what was
    decided of their captures, and gets what these lines tell.
    """
    layouts = layouts_of(haproxy, paths, captures)
    parsed = list[pl.DataFrame]()
    rest = numbered
    for numbers, forms in _own_formats(numbered, bound(haproxy), paths or {}).items():
        own_lines, rest = rest.filter(_is_in_files(numbers)), rest.filter(~_is_in_files(numbers))
        for form in forms:
            requests, own_lines = parse_as(own_lines, form, layouts)
            parsed.append(requests)
        rest = pl.concat([rest, own_lines.with_columns(is_begun=_is_begun(forms))], how="diagonal")
    requests, unparsed = parse_httplog(rest, layouts)
    parsed.insert(0, requests)
    slower, unparsed = parse_built_in(unparsed, layouts)
    return unglued(_concat([*parsed, *slower.values()])), unparsed


def _concat(parsed: list[pl.DataFrame]) -> pl.DataFrame:
    nonempty = [frame for frame in parsed if frame.height] or parsed[:1]
    known_columns = [
        frame.select(name for name in (*httplog.COLUMNS, "form", "tail") if name in frame.columns) for frame in nonempty
    ]
    return known_columns[0] if len(known_columns) == 1 else pl.concat(known_columns, how="diagonal_relaxed")


def _own_formats(
    numbered: pl.DataFrame, bindings: Bindings, paths: Mapping[int, str]
) -> dict[tuple[int, ...], tuple[Format, ...]]:
    """The files that have bound formats, grouped by these."""
    if not bindings.patterns:
        return {}
    numbers_by_formats: dict[tuple[Format, ...], list[int]] = {}
    for number in numbered["file_number"].unique():
        if forms := bindings.formats_for(paths.get(number, "")):
            numbers_by_formats.setdefault(forms, []).append(number)
    return {tuple(numbers): forms for forms, numbers in numbers_by_formats.items()}


def _is_begun(forms: tuple[Format, ...]) -> pl.Expr:
    """Whether a line begins with the start of one of the formats, and so is a broken line of it."""
    starts = [form.start for form in forms if len(form.start.strip()) > 1]
    return pl.any_horizontal(pl.lit(False), *(pl.col("text").str.contains(start, literal=True) for start in starts))


def _is_in_files(numbers: tuple[int, ...]) -> pl.Expr:
    return pl.col("file_number").is_in(list(numbers))


def parse_as(unparsed: pl.DataFrame, form: Format, layouts: Layouts) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The requests that a format parses, and the lines that it doesn't."""
    attempted = read(unparsed, form, layouts)
    read_lines = attempted.filter("is_read").with_columns(form=pl.lit(form.name))
    return read_lines, unparsed.filter(~attempted["is_read"])


def parse_built_in(unparsed: pl.DataFrame, layouts: Layouts) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """The requests that each slower built-in format parses from dated lines, and the lines that none of them does."""
    parsed: dict[str, pl.DataFrame] = {}
    for name, mark in SLOWER.items():
        is_likely = pl.col("after").is_not_null() & pl.col("text").str.contains(mark)
        likely = unparsed.filter(is_likely)
        if likely.height:
            parsed[name], unparsed_parts = parse_as(likely, built_in(name), layouts)
            unparsed = pl.concat([unparsed.filter(~is_likely), unparsed_parts])
    return parsed, unparsed


def parse_httplog(rest: pl.DataFrame, layouts: Layouts) -> tuple[pl.DataFrame, pl.DataFrame]:
    parts = log_lines.split_at_date(rest)
    is_dated = pl.col("after").is_not_null()
    attempted = httplog.read(parts.filter(is_dated), layouts)
    repeated = (pl.col("tail") == "]").fill_null(False) & pl.col("before").str.contains(
        log_lines.REPEATED, literal=True
    )
    attempted = attempted.with_columns(is_read=pl.col("is_read") & ~repeated)
    requests = with_tails(attempted.filter("is_read")).with_columns(form=pl.lit(HTTPLOG))
    columns = [*_LINE, "after", *(["is_begun"] if "is_begun" in rest.columns else [])]
    unparsed_parts = [attempted.filter(~pl.col("is_read")).select(columns), parts.filter(~is_dated).select(columns)]
    return requests, pl.concat(unparsed_parts).sort("file_number", "line_number")
