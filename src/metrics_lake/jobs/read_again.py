"""Files that were read by other rules than those of now, read again from landing: their new rows replace their old ones.

Each batch of the manifest has a digest of the rules by which its files were read; `read_by.json` in the feed's checkpoint has the
digest by which all of them were, so that a run without a change asks no further. It is emptied before the first batch under
other rules is planned, so an ingest that is cut short is taken up by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

import polars as pl
from pydantic import ValidationError

from metrics_lake.config.settings import SettingsError, rules
from metrics_lake.io.landing.manifest import Again
from metrics_lake.io.storage.blobs import Blobs, blobs_in
from metrics_lake.jobs.context import JobContext
from metrics_lake.jobs.landed_contents import Content, Landed, contents_of
from metrics_lake.jobs.publish import notes
from metrics_lake.model.feeds import Feed
from metrics_lake.privacy import salts
from metrics_lake.privacy.hashing import epoch_of
from metrics_lake.privacy.redaction import decrypted, rules_mark
from metrics_lake.privacy.salts import Salts
from metrics_lake.sources.landed_file import FileEntry

MARK = "mark"  # of the rules, in what the manifest has of them
_STATE, _RULES, _LEFT = "read_by.json", "rules", "left"
_KEPT = "erased_from.json"
_MOST_FILES = 2_000  # of a batch: their ids stand in one condition
_BEFORE = timedelta(days=2)  # but for rare connections, a request is accepted that long before its line at most


@dataclass(frozen=True)
class Due:
    """Files of one batch, and the contents whose rows they replace."""

    entries: tuple[FileEntry, ...]
    contents: tuple[Content, ...]

    @property
    def size_bytes(self) -> int:
        return sum(entry.size_bytes for entry in self.entries if not entry.is_duplicate)


@dataclass(frozen=True)
class Plan:
    """What is read again, in the order in which it came; and how many files keep the rows that they have."""

    due: tuple[Due, ...]
    left: int


def mark_of(context: JobContext, feed: Feed) -> str:
    """The digest of the rules of now."""
    reading = feed.reading_rules(rules(context.settings, context.tenants))
    return rules_mark(context.settings.secret(), reading) if reading is not None else ""


def begin(context: JobContext, feed: Feed, mark: str) -> bool:
    """Whether files may have been read by other rules. If so that stands in the checkpoint from now on."""
    state = _state(context, feed)
    if state.get(_RULES) == mark:
        return False
    _write(context, feed, {})
    return True


def end(context: JobContext, feed: Feed, mark: str, left: int) -> None:
    """Notes that every file was read by these rules, but `left`, which landing no longer has."""
    _write(context, feed, {_RULES: mark, _LEFT: left})


def left(checkpoint: Blobs) -> int:
    """How many files keep rows of other rules, as the last ingest noted it; ValueError if that note is torn."""
    return int(json.loads(checkpoint.read(_STATE) or b"{}").get(_LEFT, 0))


def plan(context: JobContext, feed: Feed, mark: str, *, every: bool) -> Plan:
    """Which files of bronze were read by other rules (all of them with `every`), and have the same content in landing."""
    intake = context.intake(feed)
    batches = intake.manifest.batches(0, intake.committed)
    contents = contents_of(context, feed, batches)
    marks = {batch.number: _mark(context, feed, batch.rules) for batch in batches}
    stale = [c for c in contents.values() if every or any(marks.get(number) != mark for number in c.batches)]
    if not stale:
        return Plan((), 0)
    landed, is_erased = Landed.listed(context, feed, batches), _erased(context, feed)
    readable = {c.file_id: entries for c in stale if not is_erased(c) and (entries := landed.entries(c))}
    due = {c.file_id: Due(readable[c.file_id], (c,)) for c in stale if c.file_id in readable}
    left = 0
    for content in (c for c in stale if c.file_id not in readable):
        grown = None if is_erased(content) else landed.grown(content)
        whole = contents.get(grown.file_id) if grown else None
        part = due.get(whole.file_id) or Due(landed.entries(whole), (whole,)) if whole else None
        if whole and part and part.entries and not is_erased(whole):
            due[whole.file_id] = replace(part, contents=(*part.contents, content))
        else:
            left += len(content.read)
    return Plan(tuple(_batches(list(due.values()), context.settings.ingest.batch_bytes)), left)


def replaced(context: JobContext, feed: Feed, due: Due) -> Again:
    """What a batch replaces, with the stretch of time in which the old rows show listening."""
    ids = sorted({content.file_id for content in due.contents})
    numbers = sorted(number for content in due.contents for number in content.batches)
    within = pl.col("file_id").is_in(ids) & pl.col("batch_number").is_between(numbers[0], numbers[-1])
    view = next((view for view in feed.views if "is_evidence" in view.columns), None)
    if view is None:
        return Again(tuple(ids), numbers[0], numbers[-1])
    rows = context.delta_tables.frame(view, within & pl.col("is_evidence"), ("first_at", "last_at"))
    first_at, last_at = rows.select(pl.col("first_at").min(), pl.col("last_at").max()).row(0)
    span = (first_at.isoformat(), last_at.isoformat()) if first_at else ("", "")
    return Again(tuple(ids), numbers[0], numbers[-1], *span)


def keep(context: JobContext, feed: Feed, file_ids: Iterable[str]) -> None:
    """Notes that lines of these contents were erased: read again they would bring a person back."""
    kept = {*_kept(context, feed), *file_ids}
    _checkpoint(context, feed).write(_KEPT, json.dumps(sorted(kept)).encode())


def _kept(context: JobContext, feed: Feed) -> frozenset[str]:
    return frozenset(json.loads(_checkpoint(context, feed).read(_KEPT) or b"[]"))


def _mark(context: JobContext, feed: Feed, written: Mapping[str, str]) -> str:
    """The digest of a batch's rules, which versions before this one wrote nowhere but sealed."""
    if MARK in written:
        return written[MARK]
    return (
        _unsealed_mark(context.settings.secret(), feed, tuple(sorted(written.items()))) if "sealed" in written else ""
    )


@lru_cache(maxsize=1)  # one batch after the other has the same
def _unsealed_mark(secret: bytes, feed: Feed, written: tuple[tuple[str, str], ...]) -> str:
    try:
        return rules_mark(secret, feed.reading_rules(decrypted(dict(written), secret)))
    except (ValidationError, SettingsError, OSError):
        return ""


def _erased(context: JobContext, feed: Feed) -> Callable[[Content], bool]:
    """Whether a content had lines of a person who was erased, or may have some of an epoch whose key is destroyed."""
    kept, is_destroyed = _kept(context, feed), _destroyed(context)
    return lambda content: content.file_id in kept or is_destroyed(content)


def _destroyed(context: JobContext) -> Callable[[Content], bool]:
    """Whether a content may have lines of an epoch whose key is destroyed: read again they would be rejected."""
    privacy, tenants = context.settings.privacy, context.tenants.tenants
    known = salts.read(privacy.keys_file) if privacy.key_rotation != "never" else Salts()
    if not known.destroyed:
        return lambda content: False

    def destroyed(content: Content) -> bool:
        epochs = {epoch_of(at, privacy.key_rotation) for at in _instants(content.days)}
        return any(known.is_destroyed(tenant, epoch) for tenant in tenants for epoch in epochs)

    return destroyed


def _instants(days: set[date]) -> Iterator[datetime]:
    if days:
        first = datetime.combine(min(days), datetime.min.time(), timezone.utc) - _BEFORE
        for n in range((max(days) - min(days) + _BEFORE).days + 1):
            yield first + timedelta(days=n)


def _batches(due: Sequence[Due], most_bytes: int) -> Iterator[Due]:
    """The same in batches of so many bytes and files, at least one content each."""
    batch, size = list[Due](), 0
    for part in due:
        count = sum(len(one.entries) for one in batch)
        if batch and (size + part.size_bytes > most_bytes or count + len(part.entries) > _MOST_FILES):
            yield _joined(batch)
            batch, size = [], 0
        batch.append(part)
        size += part.size_bytes
    if batch:
        yield _joined(batch)


def _joined(parts: Sequence[Due]) -> Due:
    entries = tuple(entry for part in parts for entry in part.entries)
    return Due(entries, tuple(content for part in parts for content in part.contents))


def _checkpoint(context: JobContext, feed: Feed) -> Blobs:
    return blobs_in(f"{context.checkpoints}/{feed.checkpoint}")


def _state(context: JobContext, feed: Feed) -> dict[str, object]:
    """The note of the last ingest; empty where it is missing or torn, so that all files are looked at."""
    return notes.read(_checkpoint(context, feed), _STATE)


def _write(context: JobContext, feed: Feed, state: Mapping[str, object]) -> None:
    _checkpoint(context, feed).write(_STATE, json.dumps(state).encode())
