"""What a feed is: files of one kind that land in folders of their own, and the bronze table that their rows go to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from metrics_lake.model.tables import Table, View

FILE, REJECT = "file", "reject"  # kinds of rows that every feed has: a file's account, and a row that can't be read


def _always(rules: Any) -> bool:
    return True


def _nothing(settings: Any) -> None:
    """The check of a feed that no setting can spoil, and the rules of one that depends on none."""


@dataclass(frozen=True)
class Feed:
    """A feed, declared as `FEED` in the bronze module `declared_in`; Spark's workers import it from there.

    `folders` lie below `storage.landing`. `parse(files, rules, hasher)` yields Polars frames whose columns are some of
    those of `table`; it gets its keys with the hasher and reads none itself. `views` are the table's kinds of rows.
    `checkpoint` is the folder of its checkpoint below `_checkpoints`. `noun` is what messages call its files.
    `is_needed(rules)` says whether any tenant has use for the feed: it is ingested only then. `check(settings)` raises
    an error where the feed can't be read under these settings. `reading_rules(rules)` is what the rows of a file depend on
    beside its bytes: files that were read by others are read again; None where rows depend on nothing else.
    """

    name: str
    folders: tuple[str, ...]
    parse: Callable[..., Iterable[Any]]
    table: Table
    views: tuple[View, ...]
    checkpoint: str
    declared_in: str
    noun: str = "files"
    is_needed: Callable[[Any], bool] = _always
    check: Callable[[Any], None] = _nothing
    reading_rules: Callable[[Any], Any] = _nothing

    @property
    def tables(self) -> tuple[Table | View, ...]:
        """Its table, and the views of it."""
        return (self.table, *self.views)

    @property
    def files(self) -> View:
        """The accounts of its files."""
        return self._view(FILE)

    @property
    def rejects(self) -> View:
        """The rows that could not be read."""
        return self._view(REJECT)

    def _view(self, kind: str) -> View:
        return next(view for view in self.views if view.kind == kind)
