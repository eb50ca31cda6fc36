"""Law 1 and 3: data flows one way, every folder has its place, and io knows nothing about radio."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.rules.reading import PROJECT, ROOT, SRC, imports, modules, name


def test_each_layer_imports_only_what_stands_below_it():
    program = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_new_folder_fails_until_someone_gives_it_a_place():
    [contract] = PROJECT["tool"]["importlinter"]["contracts"]
    assert contract["exhaustive"] is True and contract["type"] == "layers"
    placed = {part.strip() for layer in contract["layers"] for part in layer.split("|")}
    there = {path.stem for path in SRC.iterdir() if (path / "__init__.py").exists() or path.suffix == ".py"}
    assert there - {"__init__"} == placed | set(contract.get("exhaustive_ignores", []))


_RADIO = (
    "config.tenants",
    "model.calendars",
    "model.periods",
    "privacy.hashing",
    "sources.haproxy",
    "bronze",
    "silver",
    "gold",
    "serve",
    "jobs",
)


def test_io_knows_nothing_about_radio():
    known = tuple(f"metrics_lake.{part}" for part in _RADIO)
    assert not [(name(path), each) for path in modules("io") for each in imports(path) if each.startswith(known)]


def test_all_that_computes_is_testable_without_spark():
    heavy = ("pyspark", "delta.", "py4j")
    paths = [*modules("sources", "bronze", "silver", "gold", "serve", "model"), SRC / "catalog.py"]
    assert len(paths) > 50 and not [
        (name(path), each) for path in paths for each in imports(path) if each.startswith(heavy)
    ]


def test_only_the_command_line_knows_the_demo():
    outside = [path for path in modules() if path.relative_to(SRC).parts[0] not in ("cli", "demo")]
    assert not [name(path) for path in outside if any(each.startswith("metrics_lake.demo") for each in imports(path))]
