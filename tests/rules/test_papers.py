"""Law 5, for readers: every table, command and setting is written down, and what is written down is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from metrics_lake import catalog
from metrics_lake.config.settings import Settings
from metrics_lake.serve.rollup import rollup
from tests.rules.reading import ROOT, SRC
from tests.unit.cli.test_usage import COMMANDS

PAGES = ("README.md", "CONTRIBUTING.md", "docs/commands.md")
README, CONTRIBUTING, COMMANDS_PAGE = ((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
PAPERS = [*sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")), *PAGES[:2]]
BASE = ROOT / "conf" / "base.yaml"


def test_the_catalogue_on_paper_is_the_catalogue():
    assert (ROOT / "CATALOG.md").read_text(encoding="utf-8") == catalog.render(), "run: python -m metrics_lake.catalog"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_is_in_the_docs(words):
    assert re.search(rf"`{' '.join(words)}\b", COMMANDS_PAGE)


@pytest.mark.parametrize("page", PAPERS)
def test_every_command_that_a_page_calls_is_one(page):
    called = re.findall(r"\.venv/bin/metrics-lake ([a-z]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert set(called) <= {words[0] for words in COMMANDS} and (called or page != "README.md")


def test_the_readme_fits_a_first_visit():
    assert README.count("\n") <= 100


def test_the_readme_s_example_is_json_with_the_names_of_the_schema():
    [example] = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    schema = rollup.schema()
    shown = json.loads(example)
    assert set(shown) <= set(schema["properties"])
    for part in ("period", "summary"):
        assert set(shown[part]) <= set(schema["properties"][part]["properties"])


def test_the_readme_names_every_check_that_a_change_has_to_pass():
    checks = re.findall(r"^make ([a-z-]+)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert "test" in checks and not [verb for verb in checks if f"`make {verb}`" not in README]


def test_every_verb_of_make_that_the_papers_tell_is_one():
    verbs = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "test"} <= set(re.findall(r"`?make ([a-z-]+)", README)) & verbs
    assert (
        set(re.findall(r"`make ([a-z-]+)", "".join((ROOT / page).read_text(encoding="utf-8") for page in PAPERS)))
        <= verbs
    )


@pytest.mark.parametrize(
    "table", [name for name in catalog.tables() if name.startswith(("silver.", "bronze.v", "bronze.r"))]
)
def test_the_tables_that_people_start_with_are_in_the_docs(table):
    assert f"`{table}`" in COMMANDS_PAGE


def test_the_changelog_has_the_shape_that_others_know():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.startswith("# Changelog") and re.search(
        r"^## \[0\.1\.0\] - (unreleased|\d{4}-\d\d-\d\d)$", text, re.MULTILINE
    )
    kinds = set(re.findall(r"^### (\w+)", text, re.MULTILINE))
    assert kinds and kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


# --- settings --------------------------------------------------------------------------------------------------------


def plain(model: BaseModel) -> dict:
    """Settings as a file states them: what a run adds of itself left out."""
    return {name: value for name, value in model.model_dump(mode="json").items() if name not in ("env", "conf")}


def test_the_base_file_repeats_exactly_the_defaults():
    assert yaml.safe_load(BASE.read_text(encoding="utf-8")) == plain(Settings())


def test_every_setting_has_a_comment_beside_it_or_above():
    lines = BASE.read_text(encoding="utf-8").splitlines()
    bare = []
    for before, line in zip(["", *lines], lines, strict=False):
        is_section = re.fullmatch(r"\w+:", line)
        if re.match(r"\s*\w+:", line) and not is_section and "#" not in line and not before.strip().startswith("#"):
            bare.append(line)
    assert not bare


@pytest.mark.parametrize("file", sorted((ROOT / "conf").glob("*.yaml")), ids=lambda file: file.name)
def test_no_settings_file_holds_a_secret(file: Path):
    assert not re.search(r"[0-9a-fA-F]{32,}|[A-Za-z0-9+/]{40,}={0,2}", file.read_text(encoding="utf-8"))


def test_an_environment_s_own_file_holds_only_what_differs():
    base = yaml.safe_load(BASE.read_text(encoding="utf-8"))

    def same(own: dict, others: dict, place: str = "") -> list[str]:
        return [
            same_key
            for key, value in own.items()
            for same_key in (
                same(value, others.get(key, {}), f"{place}{key}.")
                if isinstance(value, dict)
                else [place + key] * (others.get(key) == value)
            )
        ]

    for file in (ROOT / "conf").glob("*.yaml"):
        if file.stem not in ("base", "tenants", "schedule"):
            assert not same(yaml.safe_load(file.read_text(encoding="utf-8")) or {}, base), file.name


def test_the_package_ships_what_it_reads_at_run_time():
    shipped = {path.name for path in SRC.rglob("*") if path.suffix in (".yaml", ".json", ".properties")}
    assert {"players.yaml", "log4j2.properties"} <= shipped
