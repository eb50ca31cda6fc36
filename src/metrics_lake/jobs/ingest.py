"""Landing files that are new, into bronze: batch after batch until nothing is new."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from metrics_lake.bronze import haproxy as bronze
from metrics_lake.config.settings import Rules, rules
from metrics_lake.io.landing.intake import landing_at
from metrics_lake.io.landing.manifest import Batch
from metrics_lake.jobs.context import JobContext
from metrics_lake.privacy import salts
from metrics_lake.privacy.redaction import encrypted
from metrics_lake.sources.landed_file import QUARANTINED, READ


@dataclass(frozen=True)
class Ingested:
    """What was taken in so far: files, their bytes as they lie in landing, and at the end lines rejected by reason.

    `after_batch` is the newest batch that bronze had before.
    """

    files: int = 0
    bytes: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    after_batch: int = 0

    def plus(self, batch: Batch, share: float = 1.0) -> Ingested:
        size = sum(entry.size_bytes for entry in batch.entries)
        return Ingested(self.files + round(len(batch.entries) * share), self.bytes + round(size * share))


def ingest(work: JobContext, on_progress: Callable[[Ingested, Batch], None] = lambda so_far, batch: None) -> Ingested:
    """Reads every file that is new or has changed; on_progress is told a few times a second how far it is."""
    stream, done = work.stream, Ingested()
    stream.check(work.table_path(bronze.TABLE))
    before = stream.committed
    if work.settings.privacy.key_rotation != "never":
        salts.prepare(work.settings.privacy.keys_file, work.tenants.tenants)
    if stream.manifest.last_number > stream.committed:
        work.on_step("ending a batch that an earlier run began")
        _read(work, lambda share: None)
    root, limit = landing_at(work.settings.storage.landing), work.settings.ingest.batch_bytes
    while batch := stream.plan(root, _rules(work), limit, unread=lambda: _unread(work)):
        work.on_step(f"reading {len(batch.entries)} new files")
        _read(work, _teller(on_progress, done, batch))
        done = done.plus(batch)
        on_progress(done, batch)
    rejected = _rejected(work, before) if stream.committed > before else {}
    return replace(done, rejected=rejected, after_batch=before)


def _unread(work: JobContext) -> set[str]:
    """Hashes of files that were planned and could not be read, under no name: gone by then, or damaged."""
    files = work.delta_tables.frame(bronze.FILES, None, ("content_hash", "status"))
    hashes = {status: set(files.filter(status=status)["content_hash"]) for status in (QUARANTINED, READ)}
    return hashes[QUARANTINED] - hashes[READ]


def _rejected(work: JobContext, after: int) -> dict[str, int]:
    """Lines of the batches behind one that were rejected, by reason, most first."""
    found = work.delta_tables.frame(bronze.REJECTS, pl.col("batch_number") > after, ("reason",))
    counts = found["reason"].value_counts().sort(["count", "reason"], descending=[True, False])
    return dict(counts.iter_rows())


def _teller(on_progress: Callable[[Ingested, Batch], None], so_far: Ingested, batch: Batch) -> Callable[[float], None]:
    return lambda share: on_progress(so_far.plus(batch, share), batch)


def _read(work: JobContext, on_share: Callable[[float], None]) -> None:
    work.read(work.stream, bronze.TABLE, lambda done, parts: on_share(done / parts if parts else 0.0))


def _rules(work: JobContext) -> dict[str, str]:
    """The rules, sealed; files by their whole paths, since a worker may stand elsewhere."""
    reading: dict[str, Any] = json.loads(rules(work.settings, work.tenants).model_dump_json())
    reading["read_ms"] = round(time.time() * 1000)
    for part, name in (
        ("privacy", "secret_file"),
        ("privacy", "keys_file"),
        ("places", "country_file"),
        ("places", "network_file"),
    ):
        if reading[part][name]:
            reading[part][name] = str(Path(reading[part][name]).resolve())
    return encrypted(Rules.model_validate(reading))
