"""Lakes of small logs, a file a batch, refined and worked out without Spark, and what they hold then."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from metrics_lake.bronze import haproxy
from metrics_lake.config.settings import Settings, rules
from metrics_lake.config.tenants import Tenants
from metrics_lake.gold import discovery
from metrics_lake.jobs.compute import compute
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.refine import refine
from metrics_lake.silver import sessions
from tests.unit import standing

SAMPLES = Path(__file__).parent / "samples"


def work_of(folder: Path, tenants: Tenants, asked: dict[str, Any]) -> JobContext:
    """`asked` is settings by their dotted names."""
    nested: dict[str, Any] = {"storage": {"lake": str(folder / "lake"), "rollups": str(folder / "rollups")}}
    for name, value in {"documents.path": str(folder / "documents.db"), "privacy.secret_file": "none", **asked}.items():
        section, _, key = name.partition(".")
        nested.setdefault(section, {})[key] = value
    return JobContext(Settings.model_validate(nested), tenants, lambda step: None)


def sample(name: str, folder: Path) -> tuple[JobContext, list[bytes]]:
    """A log whose right figures are known: a lake for it, and its files in the order of their names."""
    held = SAMPLES / name
    tenants = Tenants.model_validate(yaml.safe_load((held / "tenants.yaml").read_text()))
    asked = json.loads((held / "settings.json").read_text())["settings"]
    files = [path.read_bytes() for path in sorted((held / "landing").rglob("*.log"))]
    return work_of(folder, tenants, asked), files


def sessions_of(name: str) -> list[tuple[str, ...]]:
    """The right sessions of a sample: tenant, stream, start, end."""
    with (SAMPLES / name / "sessions.csv").open() as lines:
        return sorted(
            (row["tenant"], row["stream"], row["started_at"], row["ended_at"]) for row in csv.DictReader(lines)
        )


def take_in(work: JobContext, file: bytes) -> None:
    """One more batch."""
    number = work.intake(haproxy.FEED).committed
    place = Path(work.settings.storage.lake)
    standing.take_in(place, number, file, f"haproxy/edge-01/{number}.log", rules(work.settings, work.tenants))


def worked_out(work: JobContext, files: Iterable[bytes], at_once: bool = False) -> JobContext:
    """Refined and computed after each of these files, or after all of them."""
    runs = [list(files)] if at_once else [[file] for file in files]
    for run in runs:
        for file in run:
            take_in(work, file)
        refine(work)
        compute(work)
    return work


def tables(work: JobContext) -> dict[str, list[str]]:
    """The rows of every table above bronze, in one order."""
    every = (sessions.TABLE, *discovery.tables("day", "period"))
    return {table.name: sorted(map(repr, work.delta_tables.frame(table).rows())) for table in every}


def spans(work: JobContext) -> list[tuple[str, ...]]:
    """Every session as `sessions_of` tells it."""
    held = work.delta_tables.frame(sessions.TABLE, columns=("tenant", "stream", "started_at", "ended_at"))
    shown = held.with_columns(pl.col("started_at", "ended_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    return sorted(shown.rows())
