"""Documents in a file of SQLite."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from metrics_lake.io.documents import sqlite_health
from metrics_lake.io.documents.store import Document, Health, continued
from metrics_lake.io.storage.failpoints import passing

_PATIENCE_SECONDS = 30  # for another process's lock
_REMOVED = "_removed"  # a table of revisions; no container has the name


class SqliteDocuments:
    """A file of SQLite; each container is a table with tenant, id and the document as JSON."""

    takes_many_writers = False

    def __init__(self, path: str) -> None:
        self._path = path

    def between(self, container: str, tenant: str, low: str, high: str) -> list[Document]:
        bodies = self._query(container, "body", "tenant = ? AND id BETWEEN ? AND ?", tenant, low, high)
        return [json.loads(body) for body in bodies]

    def ids(self, container: str, tenant: str) -> list[str]:
        return self._query(container, "id", "tenant = ?", tenant)

    def _query(self, container: str, column: str, where: str, *parameters: str) -> list[str]:
        """A column of the rows that satisfy `where`, in the order of ids; none where nothing was ever written."""
        if not Path(self._path).exists():
            return []
        with sqlite_health.naming(self._path), contextlib.closing(self._reading()) as connection:
            if not _has_table(connection, _checked_name(container)):
                return []
            rows = connection.execute(f"SELECT {column} FROM {container} WHERE {where} ORDER BY id", parameters)
            return [text for (text,) in rows]

    def upsert(self, container: str, documents: Iterable[Document]) -> int:
        documents = list(documents)
        rows = [_row(document) for document in documents]
        with sqlite_health.naming(self._path), self._writing(container) as connection:
            if _has_table(connection, _REMOVED):
                rows = [_row(continued(document, _last(connection, container, document))) for document in documents]
            before = connection.total_changes
            connection.executemany(
                f"INSERT INTO {container} VALUES (?, ?, ?) ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body "
                "WHERE coalesce(json_extract(body, '$.revision'), 0) <= coalesce(json_extract(excluded.body, '$.revision'), 0)",
                rows,
            )
            written = connection.total_changes - before
            passing("documents_uncommitted")
        passing("documents_written")
        return written

    def delete(self, container: str, tenant: str, ids: Iterable[str]) -> None:
        keys = [(tenant, id_) for id_ in ids]
        with sqlite_health.naming(self._path), self._writing(container) as connection:
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {_REMOVED} (container TEXT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL, "
                "revision INTEGER NOT NULL, PRIMARY KEY (container, tenant, id)) WITHOUT ROWID"
            )
            connection.executemany(
                f"INSERT INTO {_REMOVED} SELECT '{container}', tenant, id, json_extract(body, '$.revision') FROM {container} "
                "WHERE tenant = ? AND id = ? AND json_extract(body, '$.revision') > 0 "
                "ON CONFLICT (container, tenant, id) DO UPDATE SET revision = max(revision, excluded.revision)",
                keys,
            )
            connection.executemany(f"DELETE FROM {container} WHERE tenant = ? AND id = ?", keys)

    def scrub(self) -> None:
        """Writes the file anew, so that neither it nor its log has anything of deleted or replaced documents."""
        if Path(self._path).exists():
            with contextlib.closing(sqlite3.connect(self._path, timeout=_PATIENCE_SECONDS)) as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def health(self) -> Health:
        return sqlite_health.health(Path(self._path))

    def _reading(self) -> sqlite3.Connection:
        """A connection that can't write. SQLite creates files beside a database with a write-ahead log; without the right to
        do so the file is read as it is, which is complete if there is no such log.
        """
        place = Path(self._path).resolve().as_uri()
        connection = sqlite3.connect(f"{place}?mode=ro", uri=True, timeout=_PATIENCE_SECONDS)
        try:
            connection.execute("SELECT 1 FROM sqlite_master")
        except sqlite3.OperationalError:
            connection.close()
            if Path(f"{self._path}-wal").exists():
                raise
            connection = sqlite3.connect(f"{place}?mode=ro&immutable=1", uri=True)
        return connection

    @contextlib.contextmanager
    def _writing(self, container: str) -> Iterator[sqlite3.Connection]:
        _checked_name(container)
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=_PATIENCE_SECONDS)
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


def _row(document: Document) -> tuple[str, str, str]:
    return document["tenant"], document["id"], json.dumps(document, ensure_ascii=False, sort_keys=True)


def _has_table(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None


def _last(connection: sqlite3.Connection, container: str, document: Document) -> int:
    """The last revision of the document that was removed under this id; 0 if none was, or if one is stored again."""
    place = {"container": container, "tenant": document["tenant"], "id": document["id"]}
    row = connection.execute(
        f"SELECT revision FROM {_REMOVED} WHERE container = :container AND tenant = :tenant AND id = :id "
        f"AND NOT EXISTS (SELECT 1 FROM {container} WHERE tenant = :tenant AND id = :id)",
        place,
    ).fetchone()
    return row[0] if row else 0


def _checked_name(container: str) -> str:
    """The container's name, which becomes part of a statement; ValueError if it can't be a name."""
    if not re.fullmatch(r"[a-z][a-z_]*", container):
        raise ValueError(f"no name for a container: {container!r}")
    return container
