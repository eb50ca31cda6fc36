"""The logs to measure with: a made-up week in 168 gz files, whose true figures are known, made once and kept.

Catch: its folder is named after the generator's own text, so a changed generator makes another.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics_lake import demo
from metrics_lake.demo.traffic import Plan, generate

CACHE = Path(".cache/bench")


@dataclass(frozen=True)
class Corpus:
    """`folder` holds landing/, tenants.yaml and truth.json."""

    folder: Path
    line_count: int
    packed_bytes: int

    @property
    def files(self) -> list[Path]:
        return sorted((self.folder / "landing").rglob("*.gz"))

    def truth(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "truth.json").read_text()))

    def warm(self) -> None:
        """Reads every file once, so that no side pays for a cold disk."""
        for file in self.files:
            file.read_bytes()


def ready(lines: int) -> Corpus:
    """The corpus of about so many lines, made now if it isn't there."""
    folder = CACHE / f"corpus-{lines}-{_generator()}"
    facts = folder / "corpus.json"
    if not facts.exists():
        _make(lines, folder, facts)
    return Corpus(folder.resolve(), **json.loads(facts.read_text()))


def _make(lines: int, folder: Path, facts: Path) -> None:
    for old in CACHE.glob(f"corpus-{lines}-*"):
        shutil.rmtree(old)
    truth = generate(Plan.of_lines(lines), folder)
    size = sum(file.stat().st_size for file in (folder / "landing").rglob("*.gz"))
    facts.write_text(json.dumps({"line_count": truth.line_count, "packed_bytes": size}))


def _generator() -> str:
    digest = hashlib.sha256()
    for folder in demo.__path__:
        for source in sorted(Path(folder).glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:8]
