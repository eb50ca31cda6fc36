"""`erase`: who is asked for comes by a pipe or a file and is shown nowhere."""

from __future__ import annotations

import io

import pytest

from metrics_lake.privacy import salts
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


@pytest.fixture
def rotating(world, monkeypatch):
    """A tenant with keys by the month."""
    monkeypatch.setenv("METRICS_LAKE_SECRET", SECRET)
    salts.prepare(world.folder / "data" / "keys", ["acme"])
    return ("erase", "--tenant", "acme", "--epoch", "2001-01", "--set", "privacy.key_rotation=monthly")


def test_a_key_is_destroyed_only_with_a_yes_after_what_it_touches_is_shown(world, rotating):
    for option, code in (((), 2), (("--dry-run",), 0)):
        ended = world.run(*rotating, *option)
        assert ended.code == code and "0 days with 0 sessions are published of it, and stay" in ended.err
        assert not salts.read(world.folder / "data" / "keys").destroyed
    ended = world.run(*rotating, "--yes")
    assert ended.code == 0 and "The key of tenant acme for 2001-01 is destroyed" in " ".join(ended.out.split())
    assert salts.read(world.folder / "data" / "keys").destroyed


def test_a_listener_stays_where_nobody_says_yes(world, said):
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)
    for option, code in (((), 2), (("--dry-run",), 0)):
        ended = said("192.0.2.7 VLC/3.0.20\n", "acme", *option)
        assert ended.code == code and "2 visits and 0 sessions of acme are deleted for good" in ended.err


def test_a_tenant_that_is_named_still_is_not_erased(world, said):
    ended = world.run("erase", "tenant", "acme", "--yes")
    assert ended.code == 1 and "still names acme" in ended.err and "take it out of there first" in ended.err


def test_a_rebuild_and_a_loss_ask_first(world, said):
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)
    before = sorted((world.folder / "data").rglob("*"))
    for words in (("rebuild", "--accept-loss"), ("publish", "--accept-loss")):
        for option, code in (((), 2), (("--dry-run",), 0)):
            ended = world.run(*words, *option)
            assert ended.code == code, ended.err
    assert [path for path in sorted((world.folder / "data").rglob("*")) if "writer.lock" not in path.name] == before
