"""`erase`: who is asked for comes by a pipe or a file and is shown nowhere."""

from __future__ import annotations

import io

import pytest

from tests.unit import standing
from tests.unit.sources.haproxy.logs import SECRET


@pytest.fixture
def said(world, monkeypatch):
    """Runs `erase listener` with words on its standard input."""

    def one(text: str, *arguments: str, is_terminal: bool = False):
        stdin = io.StringIO(text)
        stdin.isatty = lambda: is_terminal
        monkeypatch.setattr("sys.stdin", stdin)
        return world.run("erase", "listener", "--tenant", *(arguments or ("acme",)))

    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    standing.write(world.folder / "data" / "lake")
    return one


@pytest.mark.parametrize(("text", "arguments", "told"), [
    ("", ("acme",), "nobody is named: write an address, a blank and the user agent"),
    ("999.1.2.3 VLC", ("acme",), "line 1 begins with no address"),
    ("192.0.2.7 VLC", ("nobody",), "no tenant 'nobody' in conf/tenants.yaml; there are: acme"),
    ("", ("acme", "--who", "192.0.2.7"), "--who: there is no such file"),
])  # fmt: skip
def test_a_mistake_is_one_line_that_shows_nothing_of_who_was_asked_for(world, said, text, arguments, told):
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)
    ended = said(text, *arguments)
    assert ended.code == 1 and ended.err.startswith("metrics-lake: ") and told in ended.err
    assert ended.err.count("\n") == 1 and "192.0.2.7" not in ended.err and "999.1" not in ended.err


def test_at_a_terminal_nobody_is_asked_to_type_an_address(said):
    ended = said("", is_terminal=True)
    assert ended.code == 1 and "by a pipe or with --who FILE" in ended.err


def test_of_somebody_unknown_it_is_said_that_nothing_is_held(world, said):
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)
    ended = said("203.0.113.9 VLC/3.0.20\n")
    assert ended.code == 0, ended.err
    assert "there is no data of this listener" in ended.err and "no byte of the ids is left" in ended.err


def test_a_key_that_was_never_rotated_can_t_be_destroyed_and_the_remedy_is_told(world):
    ended = world.run("erase", "--tenant", "acme", "--epoch", "2001")
    assert ended.code == 1 and "replace the secret" in ended.err
