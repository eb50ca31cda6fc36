"""Tables on terminals of any width: nothing is wider than the terminal, and what gives way is told."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from metrics_lake.cli.output.layout import Column, bar, from_rows, shorten, table

PATHS = tuple(f"haproxy/edge-01/2001/01/15/haproxy-{hour:02}-00.log.gz" for hour in range(3))
FILES = (
    Column("path", PATHS),
    Column("proxy", ("edge-01",) * 3, is_optional=True),
    Column("status", ("read", "read", "duplicate")),
    Column("accepted_count", ("1,200", "0", "7"), is_number=True),
    Column("reason", ("",) * 3),
)


def lines(columns, width: int, **more) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table(columns, width, **more))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_table_that_fits_has_every_column_in_full_under_its_own_name():
    shown = lines(FILES, 200, title="bronze.files")
    assert shown[0] == "bronze.files" and shown[1].split() == [column.name for column in FILES]
    assert all(path in "\n".join(shown) for path in PATHS) and len(shown) == 6


def test_a_heading_that_is_wider_than_its_cells_takes_several_lines():
    shown = lines([Column("unclaimed_count", ("1", "22"), is_number=True)], 10)
    assert shown == ["unclaimed", "    count", "─" * 9, "        1", "       22"]


def test_columns_with_one_value_are_told_once_below_a_table_that_is_too_wide():
    shown = lines(FILES, 80)
    assert "proxy" not in shown[1] and shown[-2:] == ["in every row: proxy edge-01", "empty: reason"]
    assert PATHS[0] in shown[3]


def test_paths_are_shortened_in_the_middle_so_that_their_ends_tell_them_apart():
    shown = lines(FILES, 60)
    assert [line.split()[0][-16:] for line in shown if "…" in line] == [path[-16:] for path in PATHS]
    assert all(line.startswith("haproxy/") for line in shown if "…" in line)


def test_optional_columns_are_left_out_where_shortening_is_not_enough_and_that_is_told():
    columns = [*FILES[:1], Column("proxy", ("a" * 20, "b" * 20, "c"), is_optional=True), *FILES[2:4]]
    shown = lines(columns, 50, advice="--wide shows all")
    assert "aaa" not in "\n".join(shown) and "duplicate" in "\n".join(shown)
    assert shown[-1] == "left out to fit: proxy; --wide shows all"


def test_a_table_of_too_many_columns_is_one_block_for_each_row():
    columns = [Column(f"number_{n}", ("1,000,000", str(n)), is_number=True) for n in range(20)]
    shown = lines(columns, 40)
    assert shown[:3] == ["row 1", "  number_0   1,000,000", "  number_1   1,000,000"]
    assert shown[21:23] == ["row 2", "  number_0   0"] and len(shown) == 42


def test_a_block_leaves_out_what_has_no_value():
    columns = [Column(f"name_{n}", ("x" * 30, "y"), is_number=True) for n in range(9)]
    assert not [line for line in lines([*columns, Column("reason", ("", "z"))], 40)[:10] if "reason" in line]


def test_an_empty_table_says_that_it_has_no_rows():
    assert lines(from_rows(("a", "b"), []), 80)[-1] == "no rows"


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[/nobody]", "[15/Jan/2001:12:00:00]"])
def test_brackets_in_a_value_are_shown_as_they_are(text):
    assert text in "\n".join(lines([Column("masked_text", (text,))], 80))


@pytest.mark.parametrize(("text", "width", "shown"), [
    ("abc", 3, "abc"), ("abcdefghij", 7, "ab…ghij"), ("abcdef", 1, "…"), ("", 5, ""),
])  # fmt: skip
def test_a_text_is_shortened_in_its_middle(text, width, shown):
    assert shorten(text, width) == shown


def test_a_bar_is_as_long_as_its_share_of_the_largest():
    assert [bar(value, 8, 4) for value in (8, 4, 1, 0)] == ["████", "██", "▌", ""] and bar(3, 0, 4) == ""


TEXTS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=70)


@given(
    st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=9),
    st.integers(40, 200),
    st.booleans(),
)
def test_no_line_is_wider_than_the_terminal_whatever_the_table_holds(cells, width, is_optional):
    columns = [Column(f"column_{n}_count", tuple(column), is_optional=is_optional) for n, column in enumerate(cells)]
    assert all(len(line) <= width for line in lines(columns, width))
