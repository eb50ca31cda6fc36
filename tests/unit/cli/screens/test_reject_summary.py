"""What is rejected is said at the end of a run."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from metrics_lake.cli.screens import reject_summary


def said(rejected: dict[str, int]) -> str:
    console = Console(file=StringIO(), width=40)
    reject_summary.write(rejected, console)
    return console.file.getvalue()


def test_rejected_lines_are_said_in_one_line_by_reason():
    assert said({"impossible_time": 1200, "cut_line": 1}) == (
        "1,201 lines rejected: 1,200 impossible_time, 1 cut_line; `show bronze.rejects` has them masked\n"
    )
    assert said({"no_request": 1}) == "1 line rejected: 1 no_request; `show bronze.rejects` has them masked\n"


def test_nothing_is_said_where_nothing_was_rejected():
    assert said({}) == ""
