"""Each of the twenty-five fault cases has tests that bear its number, and the papers say where they are."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

import pytest

from tests.rules.reading import ROOT, name, tracked

_NUMBERED = re.compile(r"^test_case_(\d\d)_")
PAPER = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")


def numbered() -> dict[int, set[str]]:
    """By case the files that have tests of it."""
    files: dict[int, set[str]] = defaultdict(set)
    for path in tracked():
        if path.match("test_*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef) and (match := _NUMBERED.match(node.name)):
                    files[int(match[1])].add(name(path))
    return files


TESTS = numbered()


def test_there_are_twenty_five_cases_and_no_test_is_of_a_twenty_sixth():
    assert sorted(TESTS) == list(range(1, 26))


@pytest.mark.parametrize("case", range(1, 26))
def test_the_paper_tells_of_each_case_where_its_tests_are(case):
    [row] = re.findall(rf"^\| {case} \|(.*)$", PAPER, re.MULTILINE)
    assert {file for file in re.findall(r"`(tests/[\w/]+\.py)`", row) if file in TESTS[case]} == TESTS[case]


def test_every_file_that_the_paper_points_to_is_there():
    assert not [file for file in re.findall(r"`((?:src|tests|scripts)/[\w./]+)`", PAPER) if not (ROOT / file).exists()]
