"""Checks a log-format on sample lines, and detects the format of sample lines, for people who configure one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

import polars as pl

from metrics_lake.config.settings import Haproxy
from metrics_lake.privacy.hashing import masked
from metrics_lake.sources.haproxy import clock, log_lines
from metrics_lake.sources.haproxy.captures import Decided, Layouts, layouts_of
from metrics_lake.sources.haproxy.formats import addresses, reject_reasons
from metrics_lake.sources.haproxy.formats.builtin import BUILT_IN, SLOWER, built_in, known_name
from metrics_lake.sources.haproxy.formats.compiler import Format, compiled
from metrics_lake.sources.haproxy.formats.parsing import parse_as, parse_built_in, parse_httplog, parse_lines

_LINE = ("file_number", "line_number", "text")
_SHOWN_LINES = 5
_TEXTS = ("frontend", "method", "path", "host", "referer", "user_agent", "sni")
_OTHER = {"not_httplog": "other_format", "no_request": "other_format"}
_NUMBERS = ("status", "size", "duration_ms")


@dataclass(frozen=True)
class Problem:
    """A line that the format can't parse: its number, the reason, and its text without addresses."""

    line_number: int
    reason: str
    masked_text: str


@dataclass(frozen=True)
class Check:
    """The result of a check: the fields with their columns, the first parsed lines, the counts, and the problems.

    Notices and blank lines are skipped: they count neither as read nor as unread. No value contains an address.
    """

    fields: tuple[tuple[str, str], ...]
    lacks: tuple[str, ...]
    records: tuple[dict[str, object], ...]
    read_count: int
    skipped_count: int
    unread_count: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    captures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Detected:
    """A format, and how many of the lines have it."""

    name: str
    line_count: int
    share: float


def check(format_text: str, texts: Iterable[str], haproxy: Haproxy | None = None) -> Check:
    """Parses lines as one format: a built-in one by name, or a log-format string. Raises FormatError if it is neither."""
    haproxy = haproxy or Haproxy()
    name = known_name(format_text)
    form = built_in(name) if name in BUILT_IN else compiled(format_text, mapped=haproxy.samples)
    numbered = log_lines.unwrap(_numbered(texts))
    layouts = layouts_of(haproxy)
    read, rest = _read_as(form, numbered, layouts)
    unparsed = reject_reasons.with_reasons(
        rest.with_columns(after=_dated()), pl.Series("file_number", [], dtype=pl.UInt32)
    )
    rejects = unparsed.filter(pl.col("reason").is_not_null()).with_columns(pl.col("reason").replace(_OTHER))
    return Check(
        fields=tuple((field.spelling, field.column.replace("_", " ")) for field in form.fields),
        lacks=form.lacks,
        records=tuple(_records(read.head(_SHOWN_LINES), haproxy)),
        read_count=read.height,
        skipped_count=unparsed.height - rejects.height,
        unread_count=rejects.height,
        problems=tuple(_problems(rejects.head(_SHOWN_LINES))),
        notes=form.notes,
        captures=tuple(_captures(layouts)),
    )


def detect(texts: Iterable[str]) -> tuple[Detected, ...]:
    """The built-in formats of the lines, the most frequent first."""
    numbered, layouts = log_lines.unwrap(_numbered(texts)), Layouts()
    read, rest = parse_httplog(numbered, layouts)
    plain = pl.col("tail").fill_null("") == ""
    secure = pl.col("tail").str.contains(r"^ \S+/\S+/\S+/\S+/\S+ [^/\s]+/\S+/\S+\s*$").fill_null(False)
    counts = {
        "httplog": read.filter(plain).height,
        "httpslog": read.filter(secure).height,
        "httplog with more behind it": read.filter(~plain & ~secure).height,
    }
    slower, rest = parse_built_in(rest, layouts)
    counts |= {name: frame.height for name, frame in slower.items()}
    unparsed = reject_reasons.with_reasons(rest, pl.Series("file_number", [], dtype=pl.UInt32))
    no_fault = unparsed.filter(pl.col("reason").is_null())
    blank = no_fault.filter(pl.col("text").str.strip_chars() == "").height
    counts |= {"notices": no_fault.height - blank, "blank": blank, **_unknown_kinds(unparsed)}
    largest_first = sorted(((count, name) for name, count in counts.items() if count), key=lambda pair: -pair[0])
    return tuple(Detected(name, count, count / numbered.height) for count, name in largest_first)


def captures(texts: Iterable[str], haproxy: Haproxy | None = None) -> tuple[str, ...]:
    """Which captured header of each frontend is which, a line for each, as an ingest of these lines would have it."""
    decided: dict[str, Decided] = {}
    parse_lines(log_lines.unwrap(_numbered(texts)), haproxy or Haproxy(), captures=decided)
    return tuple(_captures(Layouts(decided=decided)))


def _captures(layouts: Layouts) -> list[str]:
    rows = [
        f"{layout.frontend or 'a frontend without a name'}: {'; '.join((layout.text, *layout.conflicts))}"
        for by_frontend in layouts.decided.values()
        for layout in by_frontend.values()
    ]
    return (
        pl.DataFrame({"row": sorted(rows)}, schema={"row": pl.String})
        .select(masked(pl.col("row")))
        .to_series()
        .to_list()
    )


def _unknown_kinds(unparsed: pl.DataFrame) -> dict[str, int]:
    """Lines of no built-in format, counted by what they look like."""
    texts = unparsed.filter(pl.col("reason").is_not_null())["text"]
    is_json = texts.str.contains(r'\{"[\w.-]+"\s*:')
    is_pairs = ~is_json & texts.str.contains(r"(?:\s|^)\w+=\S* \w+=")
    counts = {"JSON of a log-format": int(is_json.sum()), "key=value of a log-format": int(is_pairs.sum())}
    return {**counts, "unknown": texts.len() - sum(counts.values())}


def _numbered(texts: Iterable[str]) -> pl.DataFrame:
    all_texts = list(texts)
    frame = log_lines.number_lines({0: "\n".join(text.rstrip("\r\n") for text in all_texts)}, {0: 1})
    frame = frame.with_columns(pl.col("text").str.replace_all("\0", "", literal=True).str.strip_prefix("\ufeff"))
    return frame.filter(pl.col("text").str.len_bytes() <= log_lines.LONGEST) if all_texts else frame.clear()


def _dated() -> pl.Expr:
    return pl.col("text").str.extract(r" \[(\d\d/[A-Z][a-z][a-z]/\d{4}:.*)$")


def _read_as(form: Format, numbered: pl.DataFrame, layouts: Layouts) -> tuple[pl.DataFrame, pl.DataFrame]:
    if form.name in BUILT_IN and form.name not in SLOWER:
        read, rest = parse_httplog(numbered, layouts)
        return read, rest.select(_LINE)
    return parse_as(numbered, form, layouts)


def _records(read: pl.DataFrame, haproxy: Haproxy) -> Iterable[dict[str, object]]:
    """Parsed requests for display: the kind of an address in place of the address, paths without the query."""
    located = addresses.with_client_address(read, haproxy).with_columns(path=pl.col("uri").str.splitn("?", 2).struct[0])
    timed = clock.to_utc(located, haproxy.timezone)
    texts = [name for name in _TEXTS if name in timed.columns]
    displayed = timed.with_columns(masked(pl.col(name)) for name in texts)
    for row in displayed.select("line_number", "accepted_ms", "address", *texts, *_NUMBERS, "is_early").iter_rows(
        named=True
    ):
        at = datetime.fromtimestamp(row.pop("accepted_ms") / 1000, timezone.utc)
        kind = _kind(row.pop("address"))
        yield {"line": row.pop("line_number"), "at": at.isoformat(timespec="milliseconds"), "address": kind, **row}


def _kind(address: str) -> str:
    parsed = addresses.parse_address(address)
    if parsed is None:
        return "none" if address in ("", "-", "unix") else "a hash or a name"
    return f"IPv{parsed.version}"


def _problems(rejects: pl.DataFrame) -> Iterable[Problem]:
    problems = rejects.select("line_number", "reason", masked_text=masked(pl.col("text")))
    return (Problem(*row) for row in problems.iter_rows())
