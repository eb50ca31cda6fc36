"""New landing files into bronze: a feed's batches one after the other, until nothing is new; then those that were read by other
rules than those of now.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from metrics_lake.config.settings import Rules, rules
from metrics_lake.io.landing.intake import Intake, landing_at
from metrics_lake.io.landing.manifest import Batch
from metrics_lake.jobs import first_seen, lake_identity, read_again
from metrics_lake.jobs.context import JobContext
from metrics_lake.model.feeds import Feed
from metrics_lake.privacy import salts
from metrics_lake.privacy.redaction import encrypted
from metrics_lake.sources.landed_file import QUARANTINED, READ
from metrics_lake.sources.quarantine_reasons import PASSING

_FILE_SETTINGS = (
    ("privacy", "secret_file"),
    ("privacy", "keys_file"),
    ("places", "country_file"),
    ("places", "network_file"),
)


@dataclass(frozen=True)
class Ingested:
    """What was ingested so far: files and their bytes in landing; at the end the number of rejected lines by reason, and
    by path why files were quarantined, or put off since they can't be read now: the next run tries these again.

    `after_batch` is the newest batch that bronze had before. `again` counts files that were read again, since their rules had
    changed or it was asked for, and `left` those that should have been and could not.
    """

    files: int = 0
    bytes: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, str] = field(default_factory=dict)
    put_off: Mapping[str, str] = field(default_factory=dict)
    after_batch: int = 0
    again: int = 0
    left: int = 0

    def plus(self, batch: Batch, share: float = 1.0) -> Ingested:
        size = sum(entry.size_bytes for entry in batch.entries)
        return replace(
            self, files=self.files + round(len(batch.entries) * share), bytes=self.bytes + round(size * share)
        )


OnProgress = Callable[[Ingested, Batch], None]


def ingest(
    context: JobContext,
    feed: Feed,
    on_progress: OnProgress = lambda so_far, batch: None,
    *,
    folders: Sequence[str] = (),
    again: bool = False,
) -> Ingested:
    """Reads every file of a feed that is new or has changed, of all its folders or only of `folders`; and again those of
    bronze that were read by other rules, or all of them with `again`.

    on_progress is called a few times a second.
    """
    if not feed.is_needed(rules(context.settings, context.tenants)):
        return Ingested()
    intake, done = context.intake(feed), Ingested()
    before = _begin(context, feed, intake)
    mark = read_again.mark_of(context, feed)
    is_changed = read_again.begin(context, feed, mark)
    if intake.manifest.last_number > before:
        context.on_step("ending a batch that an earlier run began")
        context.read(feed)
    retried, put_off = _to_read_again(context, feed), dict[str, str]()
    while batches := _planned(context, feed, intake, folders or feed.folders, retried, put_off):
        batch = _as_one(batches)
        context.on_step(f"reading {len(batch.entries)} new {feed.noun}")
        context.read(feed, _on_parts(on_progress, done, batch))
        done = done.plus(batch)
        retried -= {(entry.path, entry.content_hash) for entry in batch.entries}
        on_progress(done, batch)
    if mark and (is_changed or again):
        done = _again(context, feed, mark, done, on_progress, every=again)
    done = replace(done, put_off=put_off, after_batch=before)
    return _with_accounts(context, feed, done) if intake.committed > before else done


def _begin(context: JobContext, feed: Feed, intake: Intake) -> int:
    """Checks that the checkpoint is whole and the lake's identity is ours; the newest batch that bronze has."""
    intake.check(context.table_path(feed.table))
    lake_identity.note(context.settings, context.tenants, context.settings.secret())
    if context.settings.privacy.key_rotation != "never":
        salts.prepare(context.settings.privacy.keys_file, context.tenants.tenants)
    return intake.committed


def _with_accounts(context: JobContext, feed: Feed, done: Ingested) -> Ingested:
    """What was ingested, with what of it was rejected and quarantined."""
    after = done.after_batch
    return replace(done, rejected=_rejected(context, feed, after), quarantined=_quarantined(context, feed, after))


def _again(
    context: JobContext, feed: Feed, mark: str, done: Ingested, on_progress: OnProgress, *, every: bool
) -> Ingested:
    """Reads files again, a batch after the other: a batch that is cut short is ended by the next ingest."""
    plan, intake = read_again.plan(context, feed, mark, every=every), context.intake(feed)
    landing = landing_at(context.settings.storage.landing)
    so_far = Ingested()
    for due in plan.due:
        batch = intake.plan_again(landing, _rules(context, mark), due.entries, read_again.replaced(context, feed, due))
        context.on_step(f"reading {len(batch.entries)} {feed.noun} again")
        context.read(feed, _on_parts(on_progress, so_far, batch))
        so_far = so_far.plus(batch)
        on_progress(so_far, batch)
    read_again.end(context, feed, mark, plan.left)
    return replace(done, again=so_far.files, left=plan.left)


def _planned(
    context: JobContext,
    feed: Feed,
    intake: Intake,
    folders: Sequence[str],
    retried: set[tuple[str, str]],
    put_off: dict[str, str],
) -> list[Batch]:
    """The next batch of each folder that has new files, written to the manifest. Adds what can't be read now to `put_off`."""
    root, most_bytes = landing_at(context.settings.storage.landing), context.settings.ingest.batch_bytes
    mark = read_again.mark_of(context, feed)
    reading, dated = _rules(context, mark), first_seen.carried(context.checkpoints)
    planned = [
        intake.plan(root, reading, most_bytes, folder, lambda: _unread(context, feed), dated, retried)
        for folder in folders
    ]
    put_off.update(root.put_off)
    return [batch for batch in planned if batch]


def _as_one(batches: Sequence[Batch]) -> Batch:
    """Batches that are read together, to be counted as one."""
    return replace(batches[-1], entries=tuple(entry for batch in batches for entry in batch.entries))


def _unread(context: JobContext, feed: Feed) -> set[str]:
    """Hashes of files that were planned and never read under any name: deleted by then, or damaged."""
    files = context.delta_tables.frame(feed.files, None, ("content_hash", "status"))
    hashes = {status: set(files.filter(status=status)["content_hash"]) for status in (QUARANTINED, READ)}
    return hashes[QUARANTINED] - hashes[READ]


def _to_read_again(context: JobContext, feed: Feed) -> set[tuple[str, str]]:
    """Path and content hash of the files that were quarantined for a passing reason and have not been read since."""
    columns = ("path", "content_hash")
    is_passing = (pl.col("status") == QUARANTINED) & pl.col("reason").is_in(PASSING)
    versions = context.delta_tables.frame(feed.files, is_passing, columns).unique()
    if not versions.height:
        return set()
    is_done = (pl.col("status") != QUARANTINED) & pl.col("path").is_in(versions["path"].to_list())
    return set(versions.join(context.delta_tables.frame(feed.files, is_done, columns), on=columns, how="anti").rows())


def _quarantined(context: JobContext, feed: Feed, after: int) -> dict[str, str]:
    """The files of the batches after `after` that were quarantined, each with its reason."""
    is_new = (pl.col("batch_number") > after) & (pl.col("status") == QUARANTINED)
    return dict(context.delta_tables.frame(feed.files, is_new, ("path", "reason")).sort("path").rows())


def _rejected(context: JobContext, feed: Feed, after: int) -> dict[str, int]:
    """How many rows of the batches after `after` were rejected, by reason, most first."""
    rejects = context.delta_tables.frame(feed.rejects, pl.col("batch_number") > after, ("reason",))
    counts = rejects["reason"].value_counts().sort(["count", "reason"], descending=[True, False])
    return dict(counts.iter_rows())


def _on_parts(on_progress: OnProgress, so_far: Ingested, batch: Batch) -> Callable[[int, int], None]:
    return lambda done, parts: on_progress(so_far.plus(batch, done / parts if parts else 0.0), batch)


def _rules(context: JobContext, mark: str) -> dict[str, str]:
    """The rules, encrypted, with their mark. Files have their whole paths, since a worker may run in another folder."""
    reading: dict[str, Any] = json.loads(rules(context.settings, context.tenants).model_dump_json())
    reading["read_ms"] = round(time.time() * 1000)
    for part, name in _FILE_SETTINGS:
        if reading[part][name]:
            reading[part][name] = str(Path(reading[part][name]).resolve())
    return {**encrypted(Rules.model_validate(reading)), read_again.MARK: mark}
