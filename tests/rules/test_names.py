"""Law 6, for names: no identifier that says nothing, no two modules of one name, no name of a file that isn't there."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.rules.reading import ROOT, SRC, modules, name, tracked, tree

EMPTY = frozenset(["found", "held", "told", "each", "of", "some", "laid", "made"])
# What isn't clean yet, as paths below src/metrics_lake: each goes from here when its names are mended.
EXEMPT = ("catalog.py", "gold", "io", "jobs", "model", "serve", "silver", "sources")
# Names of files that two modules still share. A command's file has the name of its command, so `cli` may repeat one.
SHARED_NAMES = ("downloads.py", "listening.py")


def bound(node: ast.AST) -> str | None:
    """The name that a node gives to something: a variable, parameter, function, class, attribute or import."""
    match node:
        case ast.Name(id=identifier, ctx=ast.Store()) | ast.Attribute(attr=identifier, ctx=ast.Store()):
            return identifier
        case ast.arg(arg=identifier) | ast.alias(asname=identifier):
            return identifier
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.ExceptHandler():
            return node.name
        case ast.MatchAs() | ast.MatchStar():
            return node.name
        case ast.MatchMapping(rest=identifier):
            return identifier
    return None


def empty_names(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Where in a module a name that says nothing is given, and the name."""
    for node in ast.walk(module):
        if (identifier := bound(node)) in EMPTY:
            yield node.lineno, identifier


def test_no_variable_function_or_attribute_has_a_name_that_says_nothing():
    named = {path: list(empty_names(tree(path))) for path in modules() if not _is_exempt(name(path))}
    assert not {name(path): places for path, places in named.items() if places}


def _is_exempt(path: str) -> bool:
    return path.removeprefix("src/metrics_lake/").startswith(EXEMPT)


@pytest.mark.parametrize("place", EXEMPT)
def test_what_is_exempt_of_the_rule_of_names_is_there(place):
    assert (SRC / place).exists()


@pytest.mark.parametrize(
    "code",
    [
        "found = 1", "found: int = 1", "held, x = 1, 2", "(told := 1)", "for each in (): pass", "[each for each in ()]",
        "lambda of: 1", "def some(): pass", "async def some(): pass", "class laid: pass", "def f(*, made): pass",
        "self.found = 1", "import os as each", "with open('x') as held: pass", "try: pass\nexcept OSError as told: pass",
        "match 1:\n case made: pass", "match []:\n case [*made]: pass", "match {}:\n case {**made}: pass",
    ],
)  # fmt: skip
def test_an_empty_name_would_be_seen_wherever_it_is_given(code):
    assert len(list(empty_names(ast.parse(code)))) == 1


def test_two_modules_never_share_the_name_of_a_file_but_a_command_its_noun():
    by_name = defaultdict(list)
    for path in modules():
        if path.name != "__init__.py" and path.parent != SRC / "cli":
            by_name[path.name].append(name(path))
    twice = {file: paths for file, paths in by_name.items() if len(paths) > 1}
    assert set(twice) <= set(SHARED_NAMES), twice


_MODULE = re.compile(r"(?<![\w./*])[a-z_]+\.py\b")


def test_every_module_that_a_docstring_or_a_comment_names_is_there():
    files = {path.name for path in tracked()}
    named = {name(path): set(_MODULE.findall(path.read_text(encoding="utf-8"))) - files for path in modules()}
    assert not {path: missing for path, missing in named.items() if missing}


def test_the_map_of_the_rooms_in_contributing_names_each_of_them():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = {path.name for path in SRC.iterdir() if (path / "__init__.py").exists()}
    assert rooms and rooms == set(re.findall(r"(?m)^  (\w+)/ {2,}", page))
