"""What can't be undone is shown first, and done only after a yes: typed, or given as --yes."""

from __future__ import annotations

import pytest
import typer

from metrics_lake.cli.output.confirm import confirmed

TOUCHED = ("3 sessions go",)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch):
    """Answers as if typed at a terminal; without one where None."""

    def typing(answer: bool | None) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: answer is not None, raising=False)
        monkeypatch.setattr("typer.confirm", lambda *words, **named: answer)

    return typing


@pytest.mark.parametrize(
    ("answer", "yes", "dry_run", "goes_on"),
    [
        (True, False, False, True),
        (False, False, False, False),
        (None, True, False, True),
        (None, False, True, False),
        (True, True, True, False),  # a dry run is one, whatever else is said
    ],
)
def test_only_a_yes_goes_on(terminal, capsys, answer, yes, dry_run, goes_on):
    terminal(answer)
    assert confirmed(TOUCHED, yes=yes, dry_run=dry_run) is goes_on
    assert capsys.readouterr().err.startswith("3 sessions go\n")


def test_where_nobody_can_be_asked_it_is_wrong_usage_that_names_both_ways_on(terminal, capsys):
    terminal(None)
    with pytest.raises(typer.BadParameter, match="add it to go on, or --dry-run"):
        confirmed(TOUCHED, yes=False, dry_run=False)
    assert capsys.readouterr().err == "3 sessions go\n"
