"""The project's own files, for the tests of its laws."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "metrics_lake"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_NOT_OURS = {".git", ".venv", ".cache", "demo", "data", "__pycache__", ".hypothesis"}


def modules(*layers: str) -> list[Path]:
    """The package's modules, or those of some of its folders."""
    return sorted(path for layer in layers or ("",) for path in (SRC / layer).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """A module's syntax, as the oldest Python that it must run under reads it."""
    return ast.parse(path.read_text(encoding="utf-8"), name(path), feature_version=(3, 11))


def imports(path: Path) -> Iterator[str]:
    """The modules that a module imports when it runs, wherever in it; those for the type checker alone left out."""
    return _imports(tree(path))


def _imports(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _imports(child)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute or name; what an attribute is taken from is left out where it is no name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def tracked() -> list[Path]:
    """Every file that is in the repository, or would be after `git add`."""
    if (ROOT / ".git").exists():
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
        return [path for line in sorted(set(listing.split("\0"))) if line and (path := ROOT / line).is_file()]
    paths = (path for path in ROOT.rglob("*") if path.is_file())
    return sorted(path for path in paths if not _NOT_OURS & set(path.relative_to(ROOT).parts))


def texts() -> Iterator[tuple[Path, str]]:
    """Those of them that are text."""
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8000] and content[:2] != b"\x1f\x8b":
            yield path, content.decode("utf-8", errors="replace")
