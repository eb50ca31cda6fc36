"""Documents by container, tenant and id: the embedded SQLite store, and the interface that any other store has too."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

Document = dict[str, Any]


class DocumentStore(Protocol):
    """What a store of documents can do. A document has `tenant` (the partition) and `id` (unique within it)."""

    def between(self, container: str, tenant: str, low: str, high: str) -> list[Document]:
        """The documents with `low <= id <= high`, in the order of their ids."""
        ...

    def upsert(self, container: str, documents: Iterable[Document]) -> int:
        """Puts documents in place by tenant and id, all or none of a call; returns how many."""
        ...

    def delete(self, container: str, tenant: str, ids: Iterable[str]) -> None:
        """Removes documents; one that isn't there is no error."""
        ...


class SqliteDocuments:
    """A file of SQLite; each container is a table with tenant, id and the document as JSON."""

    def __init__(self, path: str) -> None:
        self._path = path

    def between(self, container: str, tenant: str, low: str, high: str) -> list[Document]:
        if not Path(self._path).exists():
            return []
        with self._connected(container) as connection:
            rows = connection.execute(
                f"SELECT body FROM {container} WHERE tenant = ? AND id BETWEEN ? AND ? ORDER BY id", (tenant, low, high)
            )
            return [json.loads(body) for (body,) in rows]

    def upsert(self, container: str, documents: Iterable[Document]) -> int:
        rows = [(d["tenant"], d["id"], json.dumps(d, ensure_ascii=False, sort_keys=True)) for d in documents]
        with self._connected(container) as connection:
            connection.executemany(
                f"INSERT INTO {container} VALUES (?, ?, ?) ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body",
                rows,
            )
        return len(rows)

    def delete(self, container: str, tenant: str, ids: Iterable[str]) -> None:
        with self._connected(container) as connection:
            connection.executemany(f"DELETE FROM {container} WHERE tenant = ? AND id = ?", [(tenant, i) for i in ids])

    @contextmanager
    def _connected(self, container: str) -> Iterator[sqlite3.Connection]:
        if not re.fullmatch(r"[a-z_]+", container):
            raise ValueError(f"no name for a container: {container!r}")
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=30)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {container} (tenant TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, "
                "PRIMARY KEY (tenant, id)) WITHOUT ROWID"
            )
            with connection:
                yield connection
        finally:
            connection.close()
