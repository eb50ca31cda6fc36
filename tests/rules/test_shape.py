"""Law 5 and 6: names that say something, modules that say what they are, and files that fit a head."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from metrics_lake import catalog
from metrics_lake.gold import discovery
from tests.rules.reading import ROOT, SRC, modules, name, tracked, tree

_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "base", "core", "misc", "shared", "lib"}
_MOST_LINES, _MOST_LINES_OF_A_FUNCTION = 250, 40


def lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_module_has_a_name_that_says_nothing():
    parts = {path: {part.removesuffix(".py") for part in path.relative_to(SRC).parts} for path in modules()}
    assert not [name(path) for path, named in parts.items() if named & _SAY_NOTHING]


def test_every_module_says_what_it_is_in_a_whole_sentence():
    openings = {path: (ast.get_docstring(tree(path)) or "").partition("\n\n")[0].rstrip() for path in modules()}
    assert not [name(path) for path, first in openings.items() if not first.endswith((".", "?", ":"))]


@pytest.mark.parametrize("module", discovery.modules(), ids=lambda module: module.__name__)
def test_every_metric_opens_with_its_question_and_tells_its_grain(module):
    question, _, rest = (module.__doc__ or "").partition("\n\n")
    assert question.strip().endswith("?") and "Grain:" in rest


def test_a_file_fits_a_head():
    assert not {name(path): lines(path) for path in modules() if lines(path) > _MOST_LINES}


def test_a_function_fits_a_screen():
    long = {
        f"{name(path)} {function.name}": function.end_lineno - function.lineno + 1
        for path in modules()
        for function in functions(path)
    }
    assert not {function: number for function, number in long.items() if number > _MOST_LINES_OF_A_FUNCTION}


def test_a_pipeline_is_a_thin_entry_to_a_command():
    pipelines = {path.stem: path for path in (ROOT / "pipelines").glob("*.py")}
    assert {"ingest", "refine", "compute", "publish", "backfill"} <= set(pipelines)
    for word, path in pipelines.items():
        assert lines(path) < 20 and ast.get_docstring(tree(path))
        assert f'main(["{word}"' in path.read_text(encoding="utf-8")


_NEVER = {"date", "value", "data", "id", "timestamp", "count", "time"}
_KINDS = {"TIMESTAMP": "_at", "DATE": "_on", "BOOLEAN": ("is_", "has_")}


@pytest.mark.parametrize("table", catalog.tables().values(), ids=lambda table: table.name)
def test_columns_have_names_that_say_what_they_hold(table):
    names = [column.name for column in table.fields]
    assert not _NEVER & set(names) and all(column == column.lower() for column in names)
    assert not [c.name for c in table.fields if c.type in ("TIMESTAMP", "DATE") and not c.name.endswith(_KINDS[c.type])]
    assert not [c.name for c in table.fields if c.type == "BOOLEAN" and not c.name.startswith(_KINDS[c.type])]


TESTS = {path: ast.parse(path.read_text(encoding="utf-8")) for path in tracked() if path.match("test_*.py")}


def test_a_test_s_name_is_a_sentence():
    named = {
        f"{name(path)} {node.name}": node.name.split("_")[1:]
        for path, source in TESTS.items()
        for node in ast.walk(source)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert len(named) > 500 and not [test for test, words in named.items() if len(words) < 4]


def test_no_test_is_passed_over_or_allowed_to_fail():
    words = {path: {n.attr for n in ast.walk(source) if isinstance(n, ast.Attribute)} for path, source in TESTS.items()}
    assert not [name(path) for path, used in words.items() if used & {"skip", "skipif", "xfail", "importorskip"}]
