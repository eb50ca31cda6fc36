"""Law 5 and 6: names that say something, modules that say what they are, and files that fit a head."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from metrics_lake import catalog
from tests.rules.reading import ROOT, SRC, modules, name, tracked, tree

_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "base", "core", "misc", "shared", "lib"}
_MOST_LINES, _MOST_LINES_OF_A_FUNCTION = 250, 40
_LONGER = {"settings.py": 400}  # one place for every setting, its check and its message


@pytest.mark.parametrize("path", modules(), ids=name)
def test_no_module_has_a_name_that_says_nothing(path):
    assert not _SAY_NOTHING & {part.removesuffix(".py") for part in path.relative_to(SRC).parts}


@pytest.mark.parametrize("path", modules(), ids=name)
def test_every_module_says_what_it_is(path):
    told = ast.get_docstring(tree(path))
    assert told and told.splitlines()[0].rstrip().endswith((".", "?", "!", ":")), "a sentence, and a whole one"


@pytest.mark.parametrize("module", catalog.metrics(), ids=lambda module: module.__name__)
def test_every_metric_opens_with_its_question_and_tells_its_grain_or_its_catch(module):
    question, _, rest = (module.__doc__ or "").partition("\n\n")
    assert question.strip().endswith("?") and ("Grain:" in rest or "Catch:" in rest)


@pytest.mark.parametrize("path", modules(), ids=name)
def test_a_file_fits_a_head(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= _LONGER.get(path.relative_to(SRC).as_posix(), _MOST_LINES)


@pytest.mark.parametrize("path", modules(), ids=name)
def test_a_function_fits_a_screen(path):
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {each.name: each.end_lineno - each.lineno + 1 for each in functions}
    assert not {each: lines for each, lines in long.items() if lines > _MOST_LINES_OF_A_FUNCTION}


@pytest.mark.parametrize("path", sorted((ROOT / "pipelines").glob("*.py")), ids=name)
def test_a_pipeline_is_a_thin_entry_to_a_command(path):
    assert path.read_text(encoding="utf-8").count("\n") < 20
    assert ast.get_docstring(tree(path)) and "metrics_lake.cli" in path.read_text(encoding="utf-8")


_NEVER = {"date", "value", "data", "id", "timestamp", "count", "time"}


@pytest.mark.parametrize("table", catalog.tables().values(), ids=lambda table: table.name)
def test_columns_have_names_that_say_what_they_hold(table):
    names = {column.name for column in table.fields}
    assert not names & _NEVER and all(each == each.lower() for each in names)


@pytest.mark.parametrize("table", catalog.tables().values(), ids=lambda table: table.name)
def test_columns_of_time_bear_their_kind_in_their_names(table):
    for column in table.fields:
        assert column.type != "TIMESTAMP" or column.name.endswith("_at"), column.name
        assert column.type != "DATE" or column.name.endswith("_on"), column.name
        assert column.type != "BOOLEAN" or column.name.startswith(("is_", "has_")), column.name


def tests_of(path: Path) -> list[str]:
    found = (
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
    )
    return [node.name for node in found if node.name.startswith("test_")]


TESTS = [path for path in tracked() if path.name.startswith("test_") and path.suffix == ".py"]


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_a_test_s_name_is_a_sentence(path):
    assert not [each for each in tests_of(path) if len(each.split("_")) < 1 + 4]


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_no_test_is_passed_over_or_allowed_to_fail(path):
    source = ast.parse(path.read_text(encoding="utf-8"))
    words = {node.attr for node in ast.walk(source) if isinstance(node, ast.Attribute)}
    assert not words & {"skip", "skipif", "xfail", "importorskip"}
