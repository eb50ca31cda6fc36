"""Tables that fit the terminal. Where one is too wide: headings on several lines, columns with one value printed below the
table, long texts shortened in the middle, columns left out and named, optional ones first. One row is a record: a line a column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from metrics_lake.cli.output.consoles import plain_text

_GAP = 2  # blanks between two columns
_SHORTEST = 24  # of a text that is shortened in the middle: enough for the name of an hourly log file
_INDENT = 2
_NUMBER = re.compile(r"[~–]?-?[\d,.]*%?|unknown")
_PART_BLOCKS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True)
class Column:
    """One column as texts, which come from data. An optional one is left out first where the terminal is narrow."""

    name: str
    cells: tuple[str, ...]
    is_number: bool = False
    is_optional: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", tuple(map(plain_text, self.cells)))

    @cached_property
    def cell_width(self) -> int:
        return max((cell_len(cell) for cell in self.cells), default=0)

    @cached_property
    def is_constant(self) -> bool:
        return len(set(self.cells)) == 1 and len(self.cells) > 1


def table(
    columns: Sequence[Column], width: int, title: str = "", *, advice: str = "a wider terminal shows all"
) -> RenderableType:
    """The columns as a table of at most `width` characters a line; a single row that is wider, as a record."""
    notes = [] if any(column.cells for column in columns) else ["no rows"]
    for attempt in (list(columns), [_with_short_heading(column) for column in columns]):
        if total_width(attempt) <= width:
            return _framed(attempt, title, notes)
    if len(columns[0].cells) == 1:
        return _record(columns, width, title)
    kept = [column for column in attempt if not column.is_constant] or attempt
    notes += _constant_notes([column for column in columns if column.is_constant])
    kept, left_out = _fitting(kept, width)
    if left_out:
        notes.append(f"{len(columns)} columns, {len(kept)} shown; left out to fit: {', '.join(left_out)}; {advice}")
    return _framed(_shortened(kept, width), title, notes)


def total_width(columns: Sequence[Column]) -> int:
    return sum(_width(column) for column in columns) + _GAP * (len(columns) - 1)


def shorten(text: str, width: int) -> str:
    """The text in at most `width` characters: its middle gives way, as the ends of paths tell them apart."""
    if cell_len(text) <= width:
        return text
    head = (width - 1) // 3
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}" if width > 1 else "…"


def bar(value: float, most: float, width: int) -> str:
    """A bar of block characters, `width` of them for the largest value."""
    eighths = round(8 * width * max(value, 0) / most) if most > 0 else 0
    return f"{'█' * (eighths // 8)}{_PART_BLOCKS[eighths % 8]}".rstrip()


def from_rows(names: Sequence[str], rows: Sequence[Sequence[str]], optional: Sequence[str] = ()) -> list[Column]:
    """Columns of rows of texts. A column of numbers is recognised by its cells."""
    cells = list(zip(*rows, strict=True)) or [()] * len(names)
    return [
        Column(name, tuple(texts), all(_is_number(text) for text in texts), name in optional)
        for name, texts in zip(names, cells, strict=True)
    ]


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text))


def _width(column: Column) -> int:
    return max(column.cell_width, *(cell_len(line) for line in column.name.split("\n")))


def _with_short_heading(column: Column) -> Column:
    """The heading on several lines, broken at underscores and blanks where it is wider than the cells."""
    words = column.name.replace("_", " ").split(" ")
    most, lines = max(column.cell_width, *map(cell_len, words)), [words[0]]
    if cell_len(column.name) <= most:
        return column
    for word in words[1:]:
        if cell_len(lines[-1]) + 1 + cell_len(word) <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return replace(column, name="\n".join(lines))


def _constant_notes(columns: Sequence[Column]) -> list[str]:
    filled = [f"{column.name} {column.cells[0]}" for column in columns if column.cells[0]]
    empty = [column.name for column in columns if not column.cells[0]]
    return [
        *([f"in every row: {', '.join(filled)}"] if filled else []),
        *([f"empty: {', '.join(empty)}"] if empty else []),
    ]


def _fitting(columns: list[Column], width: int) -> tuple[list[Column], list[str]]:
    """The columns that fit, and the names of the others: the last optional ones go first, then the last. A bar has no name."""
    kept = list(columns)
    while len(kept) > 1 and total_width(_shortened(kept, width)) > width:
        kept.remove(([column for column in kept[1:] if column.is_optional] or kept)[-1])
    left_out = [column.name.replace("\n", "_").replace(" ", "_") for column in columns if column not in kept]
    return kept, [name for name in left_out if name]


def _shortened(columns: list[Column], width: int) -> list[Column]:
    """The widest texts shortened, none below the shortest that still says something."""
    columns, excess = list(columns), total_width(columns) - width
    for place in sorted(range(len(columns)), key=lambda place: -columns[place].cell_width):
        column = columns[place]
        spare = min(excess, column.cell_width - max(_SHORTEST, *map(cell_len, column.name.split("\n"))))
        if spare > 0 and not column.is_number:
            goal, excess = column.cell_width - spare, excess - spare
            columns[place] = replace(column, cells=tuple(shorten(cell, goal) for cell in column.cells))
    return columns


def _framed(columns: Sequence[Column], title: str, notes: Sequence[str]) -> RenderableType:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        justify = "right" if column.is_number else "left"
        grid.add_column(Text(column.name), justify=justify, width=_width(column), no_wrap=True, vertical="bottom")  # type: ignore[arg-type]
    for row in zip(*(column.cells for column in columns), strict=True):
        grid.add_row(*map(Text, row))
    return Group(*_titled(title), grid, *(Text(note, style="dim") for note in notes))


def _record(columns: Sequence[Column], width: int, title: str) -> RenderableType:
    """One row: a line for each column that has a value in it."""
    heading = max(cell_len(column.name) for column in columns)
    room = max(width - _INDENT - heading - _GAP, _SHORTEST // 2)
    lines = [
        Text(f"{'':{_INDENT}}{column.name:{heading}}{'':{_GAP}}{shorten(column.cells[0], room)}")
        for column in columns
        if column.cells[0]
    ]
    empty = [column.name for column in columns if not column.cells[0]]
    return Group(*_titled(title), *lines, *([Text(f"empty: {', '.join(empty)}", style="dim")] if empty else []))


def _titled(title: str) -> list[Text]:
    return [Text(title, style="bold italic")] if title else []
