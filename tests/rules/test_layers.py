"""Law 1 and 3: data flows one way, every folder has its place, and io knows nothing about radio."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
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
    "sources.haproxy",
    "bronze",
    "silver",
    "gold",
    "serve",
    "jobs",
)


def test_io_knows_nothing_about_radio():
    known = tuple(f"metrics_lake.{part}" for part in _RADIO)
    assert not [
        (name(path), imported) for path in modules("io") for imported in imports(path) if imported.startswith(known)
    ]


def test_all_that_computes_is_testable_without_spark():
    heavy = ("pyspark", "delta.", "py4j")
    paths = [*modules("sources", "bronze", "silver", "gold", "serve", "model"), SRC / "catalog.py"]
    assert len(paths) > 50 and not [
        (name(path), each) for path in paths for each in imports(path) if each.startswith(heavy)
    ]


def test_only_the_command_line_knows_the_demo():
    outside = [path for path in modules() if path.relative_to(SRC).parts[0] not in ("cli", "demo")]
    assert not [
        name(path) for path in outside if any(imported.startswith("metrics_lake.demo") for imported in imports(path))
    ]


def test_there_are_ten_floors_at_most_and_one_loose_module_at_the_top():
    [contract] = PROJECT["tool"]["importlinter"]["contracts"]
    loose = [path.name for path in SRC.glob("*.py") if path.name != "__init__.py"]
    assert len(contract["layers"]) <= 10 and len(loose) <= 1


# Modules that import each other in a circle, wherever in them: none is to come, and these are to go.
_CIRCLES = (("io.landing.azure_landing", "io.landing.reader"),)


def test_no_modules_import_each_other_in_a_circle():
    graph = {_dotted(path): path for path in modules()}
    edges = {
        module: {_module_of(imported, graph) for imported in imports(path)} - {module, ""}
        for module, path in graph.items()
    }
    assert circles(edges) <= {tuple(f"metrics_lake.{part}" for part in circle) for circle in _CIRCLES}


def test_a_circle_of_imports_would_be_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {("a", "b", "c")}


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(SRC.parent).with_suffix("").parts).removesuffix(".__init__")


def _module_of(imported: str, graph: Mapping[str, Path]) -> str:
    """The module of ours that an import loads; empty if it is another's."""
    while imported and imported not in graph:
        imported = imported.rpartition(".")[0]
    return imported


def circles(edges: Mapping[str, set[str]]) -> set[tuple[str, ...]]:
    """The groups of modules each of which reaches all the others of its group."""
    reached = {module: _reached(module, edges) for module in edges}
    groups = {tuple(sorted(other for other in reached[module] if module in reached[other])) for module in edges}
    return {group for group in groups if group}


def _reached(module: str, edges: Mapping[str, set[str]]) -> set[str]:
    seen, waiting = set(), list(edges[module])
    while waiting:
        if (other := waiting.pop()) not in seen:
            seen.add(other)
            waiting += edges[other]
    return seen
