"""The reports of app stores as tables of text: any encoding, separator and order of columns; columns are read by name."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from metrics_lake.sources.file_content import UTF8, encoding_of, without_mark
from metrics_lake.sources.landed_file import UnreadableFile

ROW, TOO_WIDE = "row_number", "is_too_wide"
UNKNOWN_COUNTRY = "ZZ"
_SEPARATORS = ("\t", ",", ";")
_ABSENT = ("na", "n/a", "null", "none", "-", "--", "–", "—")
_SIGN = r"^(?:\+|(-|−))?"
_WHOLE, _GROUPED, _FRACTION = r"\d+$", r"\d{1,3}(?:[.,'’\s]\d{3})+$", r"\d+[.,]0{1,2}$"


@dataclass(frozen=True)
class RawTable:
    """A report's rows as text: a column for each name in the header, and `row_number`, counted from 1 below the header.

    Empty and missing cells are null; a row with more cells than the header `is_too_wide`. `blank_count` rows were
    blank, `doubled_count` rows were exact duplicates and are dropped. If the last line has no line end, the report
    `is_unended`.
    """

    frame: pl.DataFrame
    names: tuple[str, ...]
    blank_count: int
    doubled_count: int = 0
    is_unended: bool = False


@dataclass(frozen=True)
class ReportRows:
    """The parsed rows of a report, and its rejects: row number, reason, and as far as they are readable `app`,
    `downloaded_on`, `dimension`.

    `skipped_count` rows are omitted on purpose. `covers_on` is the day of a report of one day.
    """

    accepted: pl.DataFrame
    rejects: pl.DataFrame
    skipped_count: int = 0
    covers_on: date | None = None


def decode(content: bytes) -> str:
    """The text of a report: UTF-16 if a byte order mark or zero bytes show it, else UTF-8."""
    encoding, content = encoding_of(content), without_mark(content)
    if encoding != UTF8 and len(content) % 2:
        raise UnreadableFile("cut_short")
    return content.decode(encoding, errors="replace").replace("\0", "")


def parse_table(text: str) -> RawTable:
    """Parses a report into columns by the names in its header. UnreadableFile if it is no table or ends within a row."""
    table = _split(text.lstrip("\ufeff\r\n\t "))
    header = [name_of(name) for name in next(table, [])]
    numbered = [(number, row) for number, row in enumerate(table, 1)]
    rows = [(number, row) for number, row in numbered if any(cell.strip() for cell in row)]
    is_unended = bool(rows) and not text.endswith(("\n", "\r"))
    if is_unended and _is_cut(header, [row for _, row in rows]):
        raise UnreadableFile("cut_short")
    first_numbers = {tuple(row): number for number, row in reversed(rows)}  # of equal rows the first number
    distinct_rows = sorted((number, row) for row, number in first_numbers.items())
    frame = _frame(header, distinct_rows, separator_of(text))
    names = tuple(name for name in frame.columns if name not in (ROW, TOO_WIDE))
    return RawTable(frame, names, len(numbered) - len(rows), len(rows) - len(distinct_rows), is_unended)


def _frame(header: Sequence[str], rows: Sequence[tuple[int, tuple[str, ...]]], separator: str) -> pl.DataFrame:
    names = list(dict.fromkeys(name for name in header if name))
    columns: dict[str, list[str | None]] = {name: [_cell(row, header.index(name)) for _, row in rows] for name in names}
    numbers = {ROW: [number for number, _ in rows], TOO_WIDE: [_is_too_wide(row, header, separator) for _, row in rows]}
    schema = {ROW: pl.Int64(), TOO_WIDE: pl.Boolean(), **dict.fromkeys(names, pl.String())}
    return pl.DataFrame({**numbers, **columns}, schema=schema)


def _is_too_wide(row: Sequence[str], header: Sequence[str], separator: str) -> bool:
    """Whether a row has more cells than the header, so that its cells may be in wrong columns.

    Extra blank cells are allowed in a table with tabs: there, a comma in a number can't have split a cell.
    """
    extra = row[len(header) :]
    return any(cell.strip() for cell in extra) if separator == "\t" else bool(extra)


def separator_of(text: str) -> str:
    head = text.lstrip("\ufeff\r\n\t ").partition("\n")[0]
    return max(_SEPARATORS, key=head.count)


def _split(text: str) -> Iterator[list[str]]:
    separator = separator_of(text)
    is_tabbed = separator == "\t"  # Apple's tables quote nothing, so a title may hold a quotation mark
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, quoting=csv.QUOTE_NONE if is_tabbed else csv.QUOTE_MINIMAL
    )
    try:
        yield from reader
    except csv.Error:
        raise UnreadableFile("not_a_table") from None


def _is_cut(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the last row alone is shorter than the header."""
    return len(rows[-1]) < len(header) and all(len(row) >= len(header) for row in rows[:-1])


def _cell(row: Sequence[str], position: int) -> str | None:
    if position >= len(row):
        return None
    return _unquoted(row[position]) or None


def _unquoted(cell: str) -> str:
    cell = cell.strip()
    return cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def name_of(column: str) -> str:
    """A normalised column name: lower case, one blank between words, stripped."""
    return re.sub(r"[\s_]+", " ", _unquoted(column.replace("\ufeff", ""))).strip().lower()


def require(table: RawTable, names: Iterable[str]) -> None:
    """Raises UnreadableFile if the header lacks one of these columns."""
    for name in names:
        if name not in table.names:
            raise UnreadableFile(f"no_column_{name.replace(' ', '_')}")


def number(column: str) -> pl.Expr:
    """A cell as a whole number; thousands may be separated by comma, point or blank.

    Null if it is absent, not a number, or over 64 bits.
    """
    text = pl.col(column).str.replace(_SIGN, "${1}").str.replace("−", "-")
    whole, grouped, fraction = (f"^-?{rest}" for rest in (_WHOLE, _GROUPED, _FRACTION))
    plain = (
        pl.when(text.str.contains(whole))
        .then(text)
        .when(text.str.contains(grouped))
        .then(text.str.replace_all(r"[.,'’\s]", ""))
        .when(text.str.contains(fraction))
        .then(text.str.replace(r"[.,]0+$", ""))
    )
    return plain.cast(pl.Int64, strict=False)


def is_absent(column: str) -> pl.Expr:
    """Whether a cell for a number, a day or an identifier is empty or a word for "absent". That means unknown, not zero.

    Not for cells that are words themselves: NA is Namibia, and a device may be called None.
    """
    return pl.col(column).is_null() | pl.col(column).str.to_lowercase().is_in(_ABSENT)


def day(column: str, *formats: str) -> pl.Expr:
    """A cell as a day. The year must have four digits: 11/21/26 is ambiguous, and %Y reads 26 as the year 26."""
    text = pl.col(column)
    return pl.coalesce(
        pl.when(text.str.contains(_shape(day_format))).then(text.str.to_date(day_format, strict=False))
        for day_format in formats
    )


def _shape(day_format: str) -> str:
    digits = {"%Y": r"\d{4}", "%m": r"\d{1,2}", "%d": r"\d{1,2}"}
    return f"^{re.sub('%.', lambda item: digits[item[0]], day_format)}$"


def is_no_country(column: str) -> pl.Expr:
    """Whether a cell is filled and can't be a country: it is `*` (all countries), or has no letter."""
    text = pl.col(column)
    return text.is_not_null() & (~text.str.contains(r"\p{L}") | text.str.contains(r"[*:\p{Cc}]"))


def is_no_device(column: str) -> pl.Expr:
    """Whether a cell is filled and can't be a device: it has no letter and no digit, as `*`."""
    return pl.col(column).is_not_null() & ~pl.col(column).str.contains(r"[\p{L}\p{N}]")


def country(column: str) -> pl.Expr:
    """A country by the store's code; `ZZ` if the cell is empty."""
    code = pl.col(column)
    return (
        pl.when(code.is_null()).then(pl.lit(UNKNOWN_COUNTRY)).when(code.str.len_chars() == 2).then(
            code.str.to_uppercase()
        ).otherwise(code)
    )  # fmt: skip


def split_rejects(frame: pl.DataFrame, reason: pl.Expr, **reject_columns: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows without a reject reason; and for the others the row number, the reason and `reject_columns`."""
    with_reasons = frame.with_columns(reason=pl.when(pl.col(TOO_WIDE)).then(pl.lit("too_many_cells")).otherwise(reason))
    rejects = with_reasons.filter(pl.col("reason").is_not_null())
    return with_reasons.filter(pl.col("reason").is_null()).drop("reason"), rejects.select(
        ROW, "reason", **reject_columns
    )
