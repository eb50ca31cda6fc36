"""No text from data is taken for markup: consoles are made in one place, which knows none, and nothing else asks for any."""

from __future__ import annotations

import ast
import io

import pytest

from metrics_lake.cli.output.consoles import console, plain_text
from metrics_lake.cli.output.layout import Column, table
from tests.rules.reading import dotted, modules, name, tree

_HOME = "src/metrics_lake/cli/output/consoles.py"
_MARKUP = ("from_markup", "escape", "render")  # of rich.markup and rich.text


def calls(path):
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


def is_markup(call: ast.Call) -> bool:
    turned_on = any(
        word.arg == "markup" and not (isinstance(word.value, ast.Constant) and word.value.value is False)
        for word in call.keywords
    )
    return turned_on or dotted(call.func) in {f"Text.{word}" for word in _MARKUP}


def test_every_console_is_made_in_one_place():
    makers = {name(path) for path in modules() for call in calls(path) if dotted(call.func) == "Console"}
    assert makers == {_HOME}


def test_no_code_turns_markup_on():
    assert not [name(path) for path in modules() for call in calls(path) if is_markup(call)]
    assert not [name(path) for path in modules() if "rich.markup" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("code", ["console.print(x, markup=True)", "Text.from_markup(x)"])
def test_the_rule_sees_what_it_forbids(code):
    assert is_markup(ast.parse(code, mode="eval").body)


@pytest.mark.parametrize("text", ["[/nope]", "GET /[red]x", "a[/b].log", "[b]", ":smile:", "[link=x]y[/link]"])
def test_brackets_from_a_log_are_shown_as_they_are_everywhere(text):
    screen = console(file=io.StringIO(), width=80)
    screen.print(text)
    screen.print(table([Column("masked_text", (text,))], 80))
    assert screen.file.getvalue().count(text) == 2


@pytest.mark.parametrize(
    ("text", "shown"), [("\x1b[31mred", r"\x1b[31mred"), ("a\nb", r"a\nb"), ("\udc80", r"\udc80"), ("é…", "é…")]
)
def test_control_characters_from_data_do_not_reach_the_terminal(text, shown):
    assert plain_text(text) == shown and Column("a", (text,)).cells == (shown,)
