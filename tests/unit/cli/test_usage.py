"""What a person is answered: help, wrong usage (2), a failure in one line (1), and the whole story when asked for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer

from metrics_lake.cli.app import app
from metrics_lake.config.settings import load
from metrics_lake.io.storage.files import locked
from tests.rules.reading import PROJECT, ROOT


def commands(group=None, before=()):
    """Every command, as the words that call it."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name), command


COMMANDS = dict(commands())
_RANGE = ("listening", "--tenant", "acme", "--from")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_explains_itself_and_each_of_its_options(run, words, option):
    ended = run(*words, option)
    assert ended.code == 0 and f"metrics-lake {' '.join(words)}" in ended.out
    assert all(parameter.help for parameter in COMMANDS[words].params if parameter.name != "help")
    assert COMMANDS[words].help


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_takes_the_common_options_unless_it_needs_no_settings(words):
    options = {name for parameter in COMMANDS[words].params for name in parameter.opts}
    assert {"--conf", "--env", "--set"} <= options or words[0] in ("look", "help")


def test_the_commands_of_the_contract_are_there():
    promised = {
        "demo",
        "run",
        "ingest",
        "refine",
        "compute",
        "publish",
        "backfill",
        "show",
        "listening",
        "look",
        "downloads",
        "doctor",
    }
    assert promised <= {words[0] for words in COMMANDS}
    assert ("audit", "completeness") in COMMANDS


A_DAY = ["--from", "2001-01-15", "--to", "2001-01-15"]
WRONG = [
    (["nope"], "No such command 'nope'"),
    (["run", "--bogus"], "No such option: --bogus"),
    (["run", "surplus"], "Got unexpected extra argument"),
    (["show", "silver.sessions", "--where", "x"], "'x' is no condition"),
    (["show", "gold.listening_by_dya"], "there is no 'gold.listening_by_dya'; nearest: gold.listening_by_day"),
    (["show", "silver.sessions", "--format", "xml"], "'xml'"),
    (["show", "silver.sessions", "--limit", "0"], "--limit"),
    (["ingest", "--source", "haprox"], "there is no 'haprox'; nearest: haproxy"),
    (["refine", "--table", "silver.session"], "nearest: silver.sessions"),
    (["listening", "--tenant", "acme"], "--from"),
    ([*_RANGE, "soon", "--to", "2001-01-15"], "'soon' is no day or hour; write a day as 2026-11-22"),
    ([*_RANGE, "2001-01-15T10:00", "--to", "2001-01-15"], "give two days, or two hours"),
    ([*_RANGE, "2001-01-15T10:20", "--to", "2001-01-15T11:00"], "2001-01-15T10:20 is not on the hour of Africa/Johannesburg"),
    ([*_RANGE, "2001-01-15T10:00", "--to", "2001-01-15T10:00"], "or is the same hour"),
    ([*_RANGE, "2001-01-15", "--to", "2001-01-15", "--new-since", "2001-01-15"], "has to lie before --from 2001-01-15"),
    ([*_RANGE, "2001-01-15", "--to", "2001-01-15", "--new-since", "2001-01-01T10:00"], "is no day"),
    (["listening", "--tenant", "acme", "--from", "2001-02-29", "--to", "2001-03-01"], "'2001-02-29' is no day"),
    (["listening", "--tenant", "acme", "--from", "2001-01-16", "--to", "2001-01-15"], "lies before --from 2001-01-16"),
    (["listening", "--tenant", "acme", *A_DAY, "--by", "year"], "'year'"),
    (["downloads", "--tenant", "acme", *A_DAY, "--by", "hour"], "'hour'"),
    (["listening", "--tenant", "acmee", *A_DAY], "there is no 'acmee'; nearest: acme (all: acme)"),
    (["listening", "--tenant", "acme", "--stream", "liv", *A_DAY], "there is no 'liv'; nearest: live (all: live, fm, *)"),
    (["downloads", "--tenant", "acmee", *A_DAY], "there is no 'acmee'; nearest: acme"),
    (["listening", *A_DAY], "Missing option '--tenant'; there are: acme"),
    (["downloads", "--tenant", "acme", "--to", "2001-01-15"], "Missing option '--from'"),
    (["rum"], "Did you mean"),
    (["formats", "check", "a.log", "--format", "httplogg"], "there is no 'httplogg'; nearest: httplog"),
    (["backfill", "--from", "2001-01-15"], "--to"),
    (["audit"], ""),
    ([], ""),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[" ".join(arguments) or "nothing" for arguments, _ in WRONG])
def test_wrong_usage_ends_with_two_and_says_what_is_wrong(world, arguments, said):
    ended = world.run(*arguments)
    assert ended.code == 2 and said in ended.err and "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--conf", "none"], "no settings folder none; name one with --conf"),
        (["run", "--env", "prod"], "no environment 'prod'"),
        (["run", "--set", "sesions.gap_seconds=3"], "--set: unknown key 'sesions'; the nearest known one is 'sessions'"),
        (["run", "--set", "tenants=none.yaml"], "no tenants file conf/none.yaml"),
        (["run", "--set", "gap"], "write KEY=VALUE"),
        (["show", "silver.sessions"], "no silver.sessions below data/lake yet; `metrics-lake run` makes it"),
        (["audit", "completeness"], "no bronze.files below data/lake yet"),
    ],
)  # fmt: skip
def test_a_failure_is_one_line_with_cause_and_remedy(world, arguments, said):
    ended = world.run(*arguments)
    assert ended.code == 1 and ended.err.startswith("metrics-lake: ") and said in ended.err
    assert ended.err.count("\n") == 1 and ended.out == ""


def test_wrong_settings_name_file_and_place(world):
    (world.folder / "conf" / "base.yaml").write_text("sessions:\n  gap_seconds: soon\n")
    ended = world.run("listening", "--tenant", "acme", *A_DAY)
    assert (ended.code, ended.err.partition(": Input")[0]) == (1, "metrics-lake: conf/base.yaml: sessions.gap_seconds")


def test_a_missing_secret_stops_a_run_before_anything_is_written(world):
    (world.folder / "conf" / "azure.yaml").write_text("")
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)
    ended = world.run("run", "--env", "azure")
    assert ended.code == 1 and "no secret" in ended.err
    assert [path.name for path in (world.folder / "data").iterdir()] == ["landing"]


def test_a_missing_landing_folder_is_named_with_the_remedy(world):
    ended = world.run("run")
    assert (
        ended.code == 1
        and "no landing folder data/landing: make it and put logs below data/landing/haproxy" in ended.err
    )


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("conf/tenants.yaml", "tenants: {acme: {}}", "conf/tenants.yaml: tenants.acme.timezone: Field required"),
        ("conf/local.yaml", "haproxy: {formats: {'*': '%B'}}", "no address"),
        ("conf/local.yaml", "storage: {landing: elsewhere}", "no landing folder"),
        ("conf/local.yaml", "storage: {landing: conf/base.yaml}", "conf/base.yaml is a file and no landing folder"),
    ],
)
def test_nothing_is_made_before_the_settings_are_known_to_be_good(
    world, tmp_path_factory, monkeypatch, file, content, said
):
    (world.folder / file).write_text(content)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    before = sorted(world.folder.rglob("*"))
    monkeypatch.chdir(elsewhere)
    ended = world.run("run", "--conf", str(world.folder / "conf"))
    assert ended.code == 1 and said in ended.err
    assert sorted(world.folder.rglob("*")) == before and not list(elsewhere.iterdir())


def test_a_run_from_another_folder_writes_beside_the_conf_folder(world, tmp_path_factory, monkeypatch):
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    ended = world.run("run", "--conf", str(world.folder / "conf"))
    assert ended.code == 0 and (world.folder / "data" / "secret").is_file() and not list(elsewhere.iterdir())


def test_the_settings_of_this_machine_may_be_appended_to(world):
    local = (ROOT / "conf" / "local.yaml").read_text()
    (world.folder / "conf" / "local.yaml").write_text(f"{local}haproxy:\n  timezone: Europe/London\n")
    assert load(str(world.folder / "conf")).haproxy.timezone == "Europe/London"


def test_a_second_writer_is_told_to_wait(world):
    with locked(world.folder / "data" / "lake" / "_checkpoints" / "writer.lock", "run"):
        ended = world.run("publish")
    assert ended.code == 1 and "(run) is writing to this lake; wait until it has ended" in ended.err


@pytest.mark.parametrize("place", [0, 1, 3])
def test_the_whole_story_is_told_when_asked_for(world, place):
    arguments = ["run", "--conf", "none"]
    ended = world.run(*arguments[:place], "--debug", *arguments[place:])
    assert ended.code == 1 and "Traceback" in ended.err and "SettingsError: no settings folder none" in ended.err


def test_an_interrupted_command_says_that_nothing_is_half_written(world, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("metrics_lake.cli.options.load", interrupt)
    ended = world.run("run")
    assert ended.code == 130 and "nothing is half-written" in ended.err


def test_an_interrupt_that_breaks_the_talk_with_spark_is_still_one(world, monkeypatch):
    def break_off(*_, **__):
        try:
            raise KeyboardInterrupt
        finally:
            raise ConnectionError("Error while sending or receiving")

    monkeypatch.setattr("metrics_lake.cli.options.load", break_off)
    ended = world.run("run")
    assert ended.code == 130 and ended.err.strip() == "stopped; nothing is half-written, the next run goes on from here"


def test_help_is_a_command_too(run):
    assert run("help").out == run("--help").out and "listening" in run("help").out
    assert run("help", "audit", "privacy").out == run("audit", "privacy", "--help").out
    assert run("help", "nope").code == 2


@pytest.mark.parametrize("place", [0, 1])
def test_a_quiet_command_shows_no_progress(world, place):
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)
    arguments = ["ingest"]
    arguments.insert(place, "--quiet")
    ended = world.run(*arguments)
    assert ended.code == 0 and " s  " not in ended.err and "0 files taken in" in ended.err


@pytest.mark.parametrize("command", ["listening", "downloads"])
def test_without_options_the_tenants_are_listed(world, command):
    ended = world.run(command)
    assert ended.code == 0 and "acme" in ended.out and "live, fm" in ended.out and "nothing yet" in ended.out


def test_characters_that_an_encoding_lacks_are_replaced(world):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": "src"}
    command = [sys.executable, "-m", "metrics_lake.cli", "show"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "") and "gold.listening_by_day" in ended.stdout
    assert ended.stdout.isascii()


def test_the_version_is_told_in_a_line(run):
    ended = run("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"metrics-lake {PROJECT['project']['version']}\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_be_taught_to_complete_commands(run, monkeypatch, shell):
    monkeypatch.setattr("shellingham.detect_shell", lambda *_: (shell, shell))  # as if the command were typed into it
    ended = run("--show-completion")
    assert ended.code == 0 and "_METRICS_LAKE_COMPLETE" in ended.out and "metrics-lake" in ended.out


@pytest.mark.parametrize(("words", "completed"), [
    ("metrics-lake aud", ["audit"]),
    ("metrics-lake audit co", ["completeness"]),
    ("metrics-lake show --wi", ["--width", "--wide"]),
    ("metrics-lake listening --by w", ["week"]),
])  # fmt: skip
def test_a_shell_completes_commands_options_and_choices(run, monkeypatch, words, completed):
    monkeypatch.setenv("_METRICS_LAKE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    ended = run()
    assert ended.code == 0 and ended.out.split() == completed


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_help_text_loses_nothing_to_the_markup_of_brackets(words):
    assert not [p.name for p in COMMANDS[words].params if "[" in (getattr(p, "help", None) or "")]
