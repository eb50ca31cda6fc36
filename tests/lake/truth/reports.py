"""Store reports as they came, one folder each of tests/golden/truth/downloads, and ways to deal them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from metrics_lake.io.documents.sqlite import SqliteDocuments
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.run import run
from metrics_lake.serve.downloads import CONTAINER
from tests.lake.truth.samples import FOLDER as TRUTH

FOLDER = TRUTH / "downloads"
Deliveries = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Reports:
    """One folder: tenants, and files by their places in a list, the first of them a log."""

    folder: Path

    @cached_property
    def case(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "case.json").read_text()))

    @property
    def tenants(self) -> dict[str, Any]:
        return {"tenants": self.case["tenants"]}

    @property
    def is_replaced_in_place(self) -> bool:
        """Whether a path stands twice, so that the order is part of what was said."""
        paths = [path for path, _ in self.case["files"]]
        return len(paths) > len(set(paths))

    @property
    def at_once(self) -> Deliveries:
        return [range(len(self.case["files"]))]

    @property
    def one_by_one(self) -> Deliveries:
        """A run for each report, the first of them with the log."""
        return [[0, 1], *([place] for place in range(2, len(self.case["files"])))]

    @property
    def newest_first(self) -> Deliveries:
        """The other way round, a run for each; the log came first."""
        return [[0], *([place] for place in range(len(self.case["files"]) - 1, 0, -1))]

    def work(self, way: Callable[..., JobContext], folder: Path, tenants: dict[str, Any] | None = None) -> JobContext:
        """A lake in a folder, with other tenants if told."""
        (folder / "landing").mkdir(parents=True, exist_ok=True)
        file = folder / "tenants.yaml"
        file.write_text(yaml.safe_dump(tenants or self.tenants))
        more = [f"{key}={value}" for key, value in self.case["settings"].items()]
        return way(folder, folder / "landing", file, *more)

    def deal(self, work: JobContext, deliveries: Deliveries) -> JobContext:
        """A run for each delivery."""
        for places in deliveries:
            for place in places:
                self._land(work, place)
            run(work)
        return work

    def _land(self, work: JobContext, place: int) -> None:
        path, changed_at = self.case["files"][place]
        target = Path(work.settings.storage.landing, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((self.folder / "files" / str(place)).read_bytes())
        os.utime(target, (changed_at, changed_at))


def all_reports() -> dict[str, Reports]:
    return {path.parent.name: Reports(path.parent) for path in sorted(FOLDER.glob("*/case.json"))}


def documents(work: JobContext) -> dict[str, dict[str, Any]]:
    """Every document of downloads, by tenant and id."""
    store = SqliteDocuments(work.settings.documents.path)
    return {
        f"{tenant} {each['id']}": each
        for tenant in work.tenants.tenants
        for each in store.between(CONTAINER, tenant, "", "~")
    }


def downloads(work: JobContext) -> dict[str, int | None]:
    return {place: each["downloads"] for place, each in documents(work).items()}
