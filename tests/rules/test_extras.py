"""Packages by need: what each extra brings, what each command needs of them, and what a light installation does alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import packages_distributions

import pytest

from metrics_lake.cli.extras import MODULES, NEEDS, advice
from tests.rules.reading import PROJECT, ROOT
from tests.unit.cli.test_usage import COMMANDS

EXTRAS = PROJECT["project"]["optional-dependencies"]
DAYS = ("--from", "2001-01-15", "--to", "2001-01-16")
LIGHT = {
    ("listening",): ("--tenant", "acme", *DAYS),
    ("downloads",): ("--tenant", "acme", *DAYS),
    ("schedule",): ("--list",),
    ("help",): ("run",),
    ("erase",): ("--tenant", "acme", "--epoch", "2001-01", "--set", "privacy.key_rotation=monthly"),
}
MORE = {
    ("look",): ("a.log",),
    ("tenants", "check"): ("a.log",),
    ("backfill",): DAYS,
    ("show",): ("silver.sessions",),
    ("erase", "listener"): ("--tenant", "acme", "--who", "a.log"),
    ("erase", "tenant"): ("acme",),
    ("formats", "detect"): ("a.log",),
    ("formats", "check"): ("a.log", "--format", "httplog"),
}
HEAVY = [words for words in COMMANDS if words in NEEDS]
# Every command in one process, from which these modules can't be imported, as if they weren't installed.
_RUN = """
import contextlib, io, json, sys
blocked, calls = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(blocked))
from metrics_lake.cli import main
for call in calls:
    code, out, err = 0, io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(call)
        except SystemExit as ended:
            code = ended.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""
Ended = tuple[int, str, str]


def distribution(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower().replace("_", "-")


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """How calls end in a folder with settings, where some extras alone are installed."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "conf").mkdir()
    apps = "[{store: apple, id: '1', name: Acme}]"
    (folder / "conf" / "tenants.yaml").write_text(f"tenants: {{acme: {{timezone: UTC, apps: {apps}}}}}")
    (folder / "conf" / "schedule.yaml").write_text((ROOT / "conf" / "schedule.yaml").read_text())
    (folder / "a.log").write_text("")
    (folder / "torn.db").write_bytes(b"no database at all" * 99)

    def run(extras: Iterable[str], calls: Iterable[Sequence[str]]) -> list[Ended]:
        brought = {module for extra in extras for module in MODULES[extra]}
        blocked = sorted({module for modules in MODULES.values() for module in modules} - brought)
        command = [sys.executable, "-c", _RUN, json.dumps([blocked, list(calls)])]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return [tuple(json.loads(line)) for line in done.stdout.splitlines()]

    return run


@pytest.fixture(scope="module")
def light(ended) -> dict[tuple[str, ...], Ended]:
    """How each command ends in a light installation."""
    calls = {**{words: LIGHT[words] for words in LIGHT}, **{words: MORE.get(words, ()) for words in HEAVY}}
    return dict(zip(calls, ended((), [[*words, *more] for words, more in calls.items()]), strict=True))


@pytest.fixture(scope="module")
def sufficient(ended) -> dict[tuple[str, ...], Ended]:
    """How each command ends with the extras that it names, and these alone."""
    endings = {}
    for extras in sorted(set(NEEDS.values())):
        commands = [words for words in HEAVY if NEEDS[words] == extras and words != ("demo",)]
        calls = [[*words, *MORE.get(words, ())] for words in commands]
        endings |= dict(zip(commands, ended(extras, calls), strict=True))
    return endings


def test_an_extra_s_modules_are_those_of_its_packages():
    named = packages_distributions()
    by_package = {
        package.lower().replace("_", "-"): {module for module, owners in named.items() if package in owners}
        for owners in named.values()
        for package in owners
    }
    for extra, modules in MODULES.items():
        for package in map(distribution, EXTRAS[extra]):
            public = {module for module in by_package[package] if not module.startswith("_")} - {"tests"}
            assert public & {module for brought in MODULES.values() for module in brought}, (
                f"{extra}: {package} brings {public}"
            )
        assert not set(modules) & set(map(distribution, PROJECT["project"]["dependencies"]))


def test_all_extras_together_are_the_extra_all():
    assert EXTRAS["all"] == [f"metrics-lake[{','.join(MODULES)}]"] and set(EXTRAS) == {*MODULES, "all"}


def test_every_command_is_light_or_says_which_extras_it_needs():
    assert not set(LIGHT) & set(NEEDS) and {*LIGHT, *NEEDS} == set(COMMANDS) | {("erase",)}


@pytest.mark.parametrize("words", LIGHT, ids=" ".join)
def test_a_light_installation_answers_from_documents_and_settings(light, words):
    code, _, err = light[words]
    assert (code, err) in [(0, ""), (1, "metrics-lake: tenant 'acme' has no keys in data/keys (known: none)\n")]


def test_a_light_installation_explains_every_command(ended):
    endings = ended((), [["--help"], *([*words, "--help"] for words in COMMANDS)])
    assert all(code == 0 and "Usage: metrics-lake" in out for code, out, _ in endings)


@pytest.mark.parametrize("words", HEAVY, ids=" ".join)
def test_a_command_without_its_packages_says_in_one_line_which_to_install(light, words):
    code, out, err = light[words]
    line = f"metrics-lake {' '.join(words)} needs more packages: pip install 'metrics-lake[{','.join(NEEDS[words])}]'"
    assert (code, out, err) == (1, "", f"{line}\n")


@pytest.mark.parametrize("words", [words for words in HEAVY if words != ("demo",)], ids=" ".join)
def test_the_extras_that_a_command_names_are_enough(sufficient, words):
    code, out, err = sufficient[words]
    assert "needs more packages" not in err and "No module named" not in err and (code in (0, 1)) and (out or err)


def test_what_the_settings_ask_for_is_named_beside_what_the_command_needs(ended):
    azure = ("--set", "storage.landing=https://acme.blob.core.windows.net/logs")
    [(code, _, err)] = ended(("lake", "spark"), [["ingest", *azure]])
    assert code == 1 and "metrics-lake ingest needs more packages: pip install 'metrics-lake[lake,spark,azure]'" in err


def test_a_failure_of_a_light_installation_is_one_line_too(ended):
    [(code, _, err)] = ended((), [["listening", *LIGHT["listening",], "--set", "documents.path=torn.db"]])
    assert code == 1 and err.startswith("metrics-lake: ") and err.count("\n") == 1


def test_a_module_that_no_extra_brings_is_no_matter_of_installing_one():
    assert advice(ModuleNotFoundError("No module named 'x'", name="x"), ["run"]) is None
    assert advice(ValueError("broken"), ["run"]) is None


def test_a_package_that_is_missing_behind_an_error_is_named_and_an_error_that_is_its_own_cause_ends():
    behind, circle = ImportError("pandas >= 2.2 must be installed"), ValueError("in a circle")
    behind.__cause__, circle.__cause__ = ModuleNotFoundError("No module named 'pandas'", name="pandas"), circle
    assert (
        advice(behind, ["compute"])
        == "metrics-lake compute needs more packages: pip install 'metrics-lake[lake,spark]'"
    )
    assert advice(circle, ["compute"]) is None
