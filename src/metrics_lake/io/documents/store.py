"""The interface that every store of documents has: documents by container, tenant and id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

Document = dict[str, Any]


def revision(document: Document) -> int:
    """The document's revision; one without a revision is older than any other."""
    return int(document.get("revision") or 0)


def continued(document: Document, last: int) -> Document:
    """The document to insert where one of revision `last` was removed (0: none was): its revision follows on that one."""
    return {**document, "revision": last + 1} if last and revision(document) <= last else document


class StoreError(Exception):
    """A store can't be read or written, or refuses a document; the message says why, and what to do."""


@dataclass(frozen=True)
class Health:
    """Whether a store can be used: its state in a few words, and if it can't the remedy, or the commands that are it."""

    is_right: bool
    state: str
    remedy: str = ""
    commands: tuple[str, ...] = ()


class DocumentStore(Protocol):
    """What a store of documents can do. A document has `tenant` (the partition) and `id` (unique within it)."""

    @property
    def takes_many_writers(self) -> bool:
        """Whether other machines can write to it too, so that Spark's workers may write many documents at once."""
        ...

    def between(self, container: str, tenant: str, low: str, high: str) -> list[Document]:
        """The documents with `low <= id <= high`, in the order of their ids."""
        ...

    def ids(self, container: str, tenant: str) -> list[str]:
        """The ids of all documents of a tenant, in order."""
        ...

    def upsert(self, container: str, documents: Iterable[Document]) -> int:
        """Inserts or replaces documents by tenant and id; returns how many.

        A stored document with a higher `revision` is not replaced. One inserted where another was removed gets the revision
        after that one's, if its own isn't higher. A document that can't be stored stops the call before anything is written.
        """
        ...

    def delete(self, container: str, tenant: str, ids: Iterable[str]) -> None:
        """Removes documents and remembers their revisions; an id that isn't there is no error."""
        ...

    def scrub(self) -> None:
        """Leaves nothing of removed or replaced documents in files of this machine."""
        ...

    def health(self) -> Health:
        """Whether the store can be reached and read."""
        ...
