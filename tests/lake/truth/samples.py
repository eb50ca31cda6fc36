"""Small logs with the sessions that definitions.md gives: folders of tests/golden/truth, and ways to deal their files."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.run import run

FOLDER = Path(__file__).parents[2] / "golden" / "truth"
Session = tuple[str, str, datetime, datetime | None, str | None]
Deliveries = Sequence[Sequence[Path]]


@dataclass(frozen=True)
class Sample:
    """One folder."""

    folder: Path

    @property
    def settings(self) -> list[str]:
        held = json.loads((self.folder / "settings.json").read_text())["settings"]
        return [f"{key}={value}" for key, value in held.items()]

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in (self.folder / "landing").rglob("*") if path.is_file())

    @property
    def sessions(self) -> list[Session]:
        """Those of sessions.csv, as `sessions` tells them of a lake."""
        with (self.folder / "sessions.csv").open() as file:
            rows = [(row["tenant"], row["stream"], _at(row["started_at"]), _at(row["ended_at"]), row["exclusion"] or None)
                    for row in csv.DictReader(file)]  # fmt: skip
        return sorted(rows, key=repr)

    def work(self, way: Callable[..., JobContext], folder: Path) -> JobContext:
        """A lake in a folder, over a landing folder without files."""
        (folder / "landing").mkdir(parents=True)
        return way(folder, folder / "landing", self.folder / "tenants.yaml", *self.settings)

    def dealt(self, way: Callable[..., JobContext], folder: Path, deliveries: Deliveries) -> JobContext:
        """A lake of which each delivery came in a run of its own."""
        work = self.work(way, folder)
        for files in deliveries:
            for file in files:
                target = folder / "landing" / file.relative_to(self.folder / "landing")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
            run(work)
        return work


def in_one_run(files: Sequence[Path]) -> Deliveries:
    return [files]


def one_by_one(files: Sequence[Path]) -> Deliveries:
    return [[file] for file in files]


def newest_first(files: Sequence[Path]) -> Deliveries:
    return one_by_one(files[::-1])


ORDERS: tuple[Callable[[Sequence[Path]], Deliveries], ...] = (in_one_run, one_by_one, newest_first)


def samples() -> dict[str, Sample]:
    return {path.parent.name: Sample(path.parent) for path in sorted(FOLDER.glob("*/settings.json"))}


def sessions(work: JobContext) -> list[Session]:
    """The sessions of a lake."""
    held = pl.read_delta(f"{work.settings.storage.lake}/silver/sessions")
    rows: list[Any] = held.select("tenant", "stream", "started_at", "ended_at", "exclusion").rows()
    return sorted(((*names, _utc(start), _utc(end), why) for *names, start, end, why in rows), key=repr)


def _at(text: str) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def _utc(instant: datetime | None) -> datetime | None:
    return instant and datetime.fromtimestamp(instant.timestamp(), _at("1970-01-01T00:00:00Z").tzinfo)
