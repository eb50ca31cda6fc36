"""Splits lines by a compiled log-format: each field as HAProxy wrote it, in the column of its role."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from metrics_lake.sources.haproxy.formats.aliases import HELPFUL
from metrics_lake.sources.haproxy.formats.compiler import Format
from metrics_lake.sources.haproxy.formats.split_plan import Match, Step, Tail, fields_of

# A header of syslog or a container runtime: RFC 5424, BSD and ISO stamps with host and tag, a container's stream.
_HEADER = (
    r"^(?:<\d{1,3}>)?(?:1 (?:\d{4}-\d\d-\d\dT\S+|-) \S+ \S+ \S+ \S+ (?:-|\[[^\]]*\])\s?"
    r"|(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?) "
    r"(?:std(?:out|err) [FP] |(?:[^\s:]+ )?[^\s:\[\]]+(?:\[\d+\])?: )?)?"
)
_BEHIND_SIGNS = r"([^\s\"'\[\](){}<>|,;=]+)$"
_MAY_BE_CUT = ("request", "uri", "path")


def without_header(text: str = "text") -> pl.Expr:
    """A line without its syslog header, if the header is of a known kind."""
    return pl.col(text).str.replace(_HEADER, "")


def split(lines: pl.DataFrame, form: Format) -> pl.DataFrame:
    """Adds a column for each field; null from the first field that doesn't match. `after` is the message without the address.

    A line that ends within its request line is kept, with `is_closed` false: HAProxy cuts at 1,024 bytes.
    """
    whole = _message(form)
    if _ends_in_captures(form.steps[-1]):
        whole = whole.str.strip_chars_end(" ") + " "
    frame = lines.with_columns(whole=whole)
    frame = frame.with_columns(rest="whole", is_closed=True)
    last = max(number for number, step in enumerate(form.steps) if _is_needed(step))
    for number, step in enumerate(form.steps):
        is_first, is_last = number == 0 and not form.start, number == last
        applied = _apply(frame, step, is_first=is_first, is_last=is_last)
        if any(field.role == "address" for field in fields_of(step)):
            applied = applied.with_columns(after=_without_address(frame, applied, is_first=number == 0))
        frame = applied
    return frame.drop("whole", "rest")


def steps_applied(line: pl.DataFrame, form: Format) -> Iterator[tuple[Step | None, str | None, dict[str, str | None]]]:
    """Of a single line each step with the rest after it and its values by column; what doesn't fit is None.

    The start of the line is step None.
    """
    frame = line.with_columns(whole=_message(form)).with_columns(rest="whole", is_closed=True)
    yield None, frame["rest"][0], {}
    last = max(number for number, step in enumerate(form.steps) if _is_needed(step))
    for number, step in enumerate(form.steps[: last + 1]):
        frame = _apply(frame, step, is_first=number == 0 and not form.start, is_last=number == last)
        columns = [field.column for field in fields_of(step) if field.column]
        rest = frame["rest"][0] if number < last else ""
        yield step, rest, {column: frame[column][0] for column in columns}


def _is_needed(step: Step) -> bool:
    """Whether a line must have the fields of this step."""
    return any(field.column and field.column not in HELPFUL for field in fields_of(step))


def _ends_in_captures(step: Step) -> bool:
    """Whether a line may end with the blank before empty captures; syslog daemons remove such blanks."""
    if isinstance(step, Match):
        return not step.until and not step.goes_on and step.fields[-1].is_elided
    return isinstance(step, Tail) and step.field.is_elided


def _message(form: Format) -> pl.Expr:
    """The line after its start text. If that text is distinctive, any header before it is skipped."""
    start, first = form.start, fields_of(form.steps[0])
    if not start and first and first[0].shape.name == "date":  # it may look like a header
        is_date = without_header().str.contains(f"^{first[0].shape.pattern()}")
        return pl.when(is_date).then(without_header()).otherwise("text")
    if not start:
        return without_header()
    after_start = pl.col("text").str.splitn(start, 2).struct[1]
    if len(start.strip()) > 1:
        return after_start
    return (
        pl.when(without_header().str.starts_with(start))
        .then(without_header().str.strip_prefix(start))
        .otherwise(after_start)
    )


def _without_address(before: pl.DataFrame, applied: pl.DataFrame, *, is_first: bool) -> pl.Series:
    """The message without its address: duplicate lines are detected by it."""
    rest = applied["rest"]
    if is_first:
        return rest
    length = before["whole"].str.len_chars() - before["rest"].str.len_chars()
    head = before.select(pl.col("whole").str.head(length)).to_series()
    return head + rest


def _apply(frame: pl.DataFrame, step: Step, *, is_first: bool, is_last: bool) -> pl.DataFrame:
    if isinstance(step, Match):
        return _apply_match(frame, step, is_first=is_first)
    column = step.field.column if step.field else ""
    if isinstance(step, Tail):
        value = frame["rest"].str.strip_chars_end(" ")
        is_whole, rest = value.str.ends_with(step.suffix), frame["rest"].clear(len(value))
        value = value.str.strip_suffix(step.suffix)
    else:
        parts = frame["rest"].str.splitn(step.until, 2).struct
        value, rest = parts[0], parts[1]
        is_whole = rest.is_not_null()
    if is_first and step.field and " " not in step.field.shape.characters:
        value = value.str.extract(r"(\S+)$")
    if not column:
        return frame.with_columns(rest.alias("rest"))
    if is_last and column in _MAY_BE_CUT:
        return frame.with_columns(value.alias(column), rest.alias("rest"), is_closed=is_whole)
    if is_last:
        value = value.zip_with(is_whole.fill_null(False), pl.Series([None], dtype=pl.String))
    return frame.with_columns(value.alias(column), rest.alias("rest"))


def _last_word(texts: pl.Series, pattern: str) -> pl.Series:
    """The word before the first field's end, without a tag that is glued to it (`haproxy[31]:`) where the pattern needs that."""
    words = texts.str.extract(r"(\S+)$")
    is_fit = words.str.contains(pattern).fill_null(True)
    return words if is_fit.all() else words.zip_with(is_fit, words.str.extract(_BEHIND_SIGNS))


def _apply_match(frame: pl.DataFrame, step: Match, *, is_first: bool) -> pl.DataFrame:
    rest = frame["rest"]
    if step.until:
        parts = rest.str.splitn(step.until, 2).struct
        chunk, rest = parts[0], parts[1]
        chunk = _last_word(chunk, step.pattern) if is_first and step.is_word else chunk
    else:
        chunk = rest if step.goes_on or _ends_in_captures(step) else rest.str.strip_chars_end(" ")
    groups = chunk.to_frame("chunk").select(pl.col("chunk").str.extract_groups(step.pattern)).to_series().struct
    named = {field.column: groups[number] for number, field in enumerate(step.fields) if field.column}
    if not step.until:
        rest = groups["rest"] if step.goes_on else rest.clear(len(rest))
    return frame.with_columns(rest.alias("rest"), *(value.alias(name) for name, value in named.items()))
