"""Checks a log-format on sample lines, and detects the format of sample lines, for people who configure one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

import polars as pl

from metrics_lake.config.settings import Haproxy
from metrics_lake.privacy.hashing import masked
from metrics_lake.privacy.line_shapes import shape
from metrics_lake.sources.haproxy import line_classes, log_lines
from metrics_lake.sources.haproxy.captures import Decided
from metrics_lake.sources.haproxy.file_times import FileTimes
from metrics_lake.sources.haproxy.formats import addresses
from metrics_lake.sources.haproxy.formats.builtin import BUILT_IN, built_in, known_name
from metrics_lake.sources.haproxy.formats.compiler import Format, compiled
from metrics_lake.sources.haproxy.formats.parsing import HTTPLOG
from metrics_lake.sources.haproxy.formats.parting import Parting, parting

_LINE = ("file_number", "line_number", "text")
_SHOWN_LINES = 5
_TEXTS = ("frontend", "method", "path", "host", "referer", "user_agent", "sni")
_OTHER = "other_format"  # in a check: ingest reads the line, by another format
_NO_FORMAT = ("not_httplog", "no_request", "cut_line", "cut_at_start_of_file")
_SECURE_TAIL = r"^ \S+/\S+/\S+/\S+/\S+ [^/\s]+/\S+/\S+\s*$"
_FILE = "sample.log"  # the name of the lines' file, to which the format is bound
_NUMBERS = ("status", "size", "duration_ms")


@dataclass(frozen=True)
class Problem:
    """A line that the format can't parse: its number, the reason, and its text without addresses."""

    line_number: int
    reason: str
    masked_text: str
    parting: Parting | None = None  # where line and string part; None if a value can't be read


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


def check(format_text: str, texts: Iterable[str], haproxy: Haproxy | None = None, read_ms: int | None = None) -> Check:
    """Reads lines as ingest reads those of a file that is bound to one format: a built-in one by name, or a log-format string.

    Raises FormatError if it is neither. `read_ms` is the time of reading, ahead of which no line can be.
    """
    haproxy = (haproxy or Haproxy()).model_copy(update={"formats": {_FILE: [format_text]}})
    name = known_name(format_text)
    form = built_in(name) if name in BUILT_IN else compiled(format_text, mapped=haproxy.samples)
    decided: dict[str, Decided] = {}
    lines = _read(texts, haproxy, read_ms, decided)
    is_own = pl.col("form").is_in([form.name, *([] if name else [_FILE])])
    read, others = lines.requests.filter(is_own), lines.requests.filter(~is_own)
    rejects = pl.concat([lines.rejects, others.select(*_LINE, reason=pl.lit(_OTHER))]).sort("line_number")
    return Check(
        fields=tuple((field.spelling, field.column.replace("_", " ")) for field in form.fields),
        lacks=form.lacks,
        records=tuple(_records(read.sort("line_number").head(_SHOWN_LINES))),
        read_count=read.height,
        skipped_count=lines.skipped.height,
        unread_count=rejects.height,
        problems=tuple(_problems(rejects.head(_SHOWN_LINES), form)),
        notes=form.notes,
        captures=tuple(_captures(decided)),
    )


def detect(texts: Iterable[str], haproxy: Haproxy | None = None, read_ms: int | None = None) -> tuple[Detected, ...]:
    """The built-in formats in which ingest reads the lines, and what becomes of the others; the most frequent first."""
    lines = _read(texts, (haproxy or Haproxy()).model_copy(update={"formats": {}}), read_ms)
    blank = lines.skipped.filter(pl.col("text").str.strip_chars() == "").height
    read = lines.parsed.filter(pl.col("reason").is_null())  # with doubles, which are among the skipped
    notice_count = lines.skipped.height - blank - (read.height - lines.requests.height)
    total = lines.requests.height + lines.rejects.height + lines.skipped.height
    counts = {**_forms(read), "notices": notice_count, "blank": blank, **_unknown_kinds(lines.rejects)}
    largest_first = sorted(((count, name) for name, count in counts.items() if count), key=lambda pair: -pair[0])
    return tuple(Detected(name, count, count / total) for count, name in largest_first)


def captures(texts: Iterable[str], haproxy: Haproxy | None = None) -> tuple[str, ...]:
    """Which captured header of each frontend is which, a line for each, as an ingest of these lines would have it."""
    decided: dict[str, Decided] = {}
    _read(texts, haproxy or Haproxy(), None, decided)
    return tuple(_captures(decided))


def _captures(decided: Mapping[str, Decided]) -> list[str]:
    rows = [
        f"{layout.frontend or 'a frontend without a name'}: {'; '.join((layout.text, *layout.conflicts))}"
        for by_frontend in decided.values()
        for layout in by_frontend.values()
    ]
    named = pl.DataFrame({"row": sorted(rows)}, schema={"row": pl.String})
    return named.select(masked(pl.col("row"))).to_series().to_list()


def _read(
    texts: Iterable[str], haproxy: Haproxy, read_ms: int | None, captures: dict[str, Decided] | None = None
) -> line_classes.ReadLines:
    """The lines as ingest reads them: by its own function, so that a command can't say otherwise."""
    files = FileTimes(paths={0: _FILE}, read_ms=read_ms, captures={} if captures is None else captures)
    return line_classes.read_lines(_numbered(texts), haproxy, files=files)


def _forms(requests: pl.DataFrame) -> dict[str, int]:
    """How many requests were read by each format; httplog is named by what stands behind its request line."""
    tail = pl.col("tail").fill_null("") if "tail" in requests.columns else pl.lit("")
    is_httplog = pl.col("form") == HTTPLOG
    name = (
        pl.when(is_httplog & tail.str.contains(_SECURE_TAIL)).then(pl.lit("httpslog"))
        .when(is_httplog & (tail != "")).then(pl.lit("httplog with more behind it"))
        .otherwise("form")
    )  # fmt: skip
    return dict(requests.select(name=name).to_series().value_counts().iter_rows())


def _unknown_kinds(rejects: pl.DataFrame) -> dict[str, int]:
    """Lines of no built-in format, counted by what they look like; lines of one that are rejected, by their reason."""
    is_unknown = pl.col("reason").is_in(_NO_FORMAT)
    texts = rejects.filter(is_unknown)["text"]
    is_json = texts.str.contains(r'\{"[\w.-]+"\s*:')
    is_pairs = ~is_json & texts.str.contains(r"(?:\s|^)\w+=\S* \w+=")
    counts = {"JSON of a log-format": int(is_json.sum()), "key=value of a log-format": int(is_pairs.sum())}
    faulty = rejects.filter(~is_unknown)["reason"].value_counts()
    reasons = {f"rejected: {reason}": count for reason, count in faulty.iter_rows()}
    return {**counts, "unknown": texts.len() - sum(counts.values()), **reasons}


def _numbered(texts: Iterable[str]) -> pl.DataFrame:
    all_texts = list(texts)
    frame = log_lines.number_lines({0: "\n".join(text.rstrip("\r\n") for text in all_texts)}, {0: 1})
    frame = frame.with_columns(pl.col("text").str.replace_all("\0", "", literal=True).str.strip_prefix("\ufeff"))
    return frame if all_texts else frame.clear()


def _records(read: pl.DataFrame) -> Iterable[dict[str, object]]:
    """Requests for display: the kind of an address in place of the address, paths without the query."""
    texts = [name for name in _TEXTS if name in read.columns]
    displayed = read.with_columns(masked(pl.col(name)) for name in texts)
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


def _problems(rejects: pl.DataFrame, form: Format) -> Iterable[Problem]:
    problems = rejects.select("line_number", "reason", shape(pl.col("text")).alias("masked_text"), "text")
    return (Problem(number, reason, shown, parting(form, text)) for number, reason, shown, text in problems.iter_rows())
