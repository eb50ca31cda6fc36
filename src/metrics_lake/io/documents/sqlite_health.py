"""Whether a file of SQLite can be used, and how to repair it if not. No remedy deletes anything: a damaged file is moved aside."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path
from shlex import quote

from metrics_lake.io.documents.store import Health, StoreError

_HEADER = b"SQLite format 3\0"
_PATIENCE_SECONDS = 1  # the doctor doesn't wait for another process
_ANOTHER_FILE = "set documents.path to a file of its own"
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def health(path: Path) -> Health:
    """The state of a file of documents; one that isn't there is right."""
    if path.is_symlink() and not path.exists():
        return Health(False, f"{path} is a link to nothing", _ANOTHER_FILE)
    if not path.exists():
        return Health(True, f"{path}, nothing published yet")
    if not path.is_file():
        return Health(False, f"{path} is {'a folder' if path.is_dir() else 'no file'}", _ANOTHER_FILE)
    if not os.access(path, os.R_OK):
        return Health(False, f"{path} can't be read by this user", "", (f"chmod u+rw {quote(str(path))}",))
    return _checked(path)


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Raises a lock or damage that the block meets as StoreError, which names the file and the remedy."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if _is(error, _LOCKED):
            raise StoreError(f"{path} is locked by another program; run again when that has ended") from None
        if _is(error, _DAMAGED):
            raise StoreError(f"{path} is damaged or no database; `metrics-lake doctor` says how to repair it") from None
        raise


def _checked(path: Path) -> Health:
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_SECONDS)
        with contextlib.closing(connection):
            verdict = str(connection.execute("PRAGMA quick_check").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if _is(error, _LOCKED):
            return Health(False, f"{path} is locked by another program", f"end that program: fuser -v {path} names it")
        if not _is(error, _DAMAGED):
            return Health(False, f"{path}: {error}", _ANOTHER_FILE)
        verdict = str(error)
    if verdict == "ok":
        return Health(True, f"{path}: ok")
    commands = (f"mv {quote(str(path))} {quote(_unused(path))}", "metrics-lake publish --all")
    return Health(False, f"{path}: {verdict.splitlines()[0]}", _caution(path), commands)


def _caution(path: Path) -> str:
    """What to think of before the file is moved aside; empty where it is certain to be a store of documents."""
    if path.is_symlink():
        return f"repair {path.resolve()}, to which it is a link, or put the link aside:"
    with path.open("rb") as file:
        is_sqlite = file.read(len(_HEADER)) == _HEADER
    return "" if is_sqlite else f"if it is not this program's, {_ANOTHER_FILE}; else put it aside:"


def _unused(path: Path) -> str:
    """A name beside the file that no other file has."""
    names = chain([f"{path}.broken"], (f"{path}.broken-{number}" for number in count(2)))
    return next(name for name in names if not os.path.lexists(name))


def _is(error: sqlite3.Error, codes: tuple[int, ...]) -> bool:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in codes
