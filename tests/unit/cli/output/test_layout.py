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
    assert " ".join(shown).endswith("4 columns, 3 shown; left out to fit: proxy; --wide shows all")


@pytest.mark.parametrize(("width", "count"), [(20, 2), (40, 3), (80, 7), (200, 18)])
def test_of_too_many_columns_the_first_are_shown_and_the_others_counted_and_named(width, count):
    columns = [Column(f"number_{n}", ("1,000,000", str(n)), is_number=True) for n in range(20)]
    shown = lines(columns, width)
    note = " ".join(shown)
    assert f"20 columns, {count} shown; left out to fit: number_{count}" in note and "number_19" in note
    assert note.count("1,000,000") == count and max(map(len, shown)) <= width


def test_a_single_row_that_is_too_wide_is_a_record_of_what_has_a_value():
    columns = [Column(f"number_{n}", ("1,000,000",), is_number=True) for n in range(20)]
    shown = lines([*columns, Column("reason", ("",))], 40)
    assert shown[:2] == ["  number_0   1,000,000", "  number_1   1,000,000"]
    assert len(shown) == 21 and shown[-1] == "empty: reason"


def test_optional_columns_give_way_before_the_others_but_never_the_first():
    columns = [Column(f"c{n}", ("x" * 24 + "a", "x" * 24 + "b"), is_optional=n != 2) for n in range(4)]
    assert lines(columns, 52)[0].split() == ["c0", "c2"]


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
