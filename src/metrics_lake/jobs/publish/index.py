"""`index.json` lists a tenant's rollups, the newest first, and lies beside them.

The rows of rollups that didn't change are copied from the old index, so that a new hour reads no other rollup. For that the old
index must be valid: `_published.json` has its mark (a hash) from the end of a publish until the next one begins. An index
without that mark is missing, outdated, or from before a crash; then every rollup is read. A rollup that can't be parsed is not
listed, and an index that can't be counts as missing: `publish --all` writes both anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from metrics_lake.io.storage.blobs import Blobs
from metrics_lake.jobs.publish import notes
from metrics_lake.serve.index_schema import FORMAT
from metrics_lake.serve.json_text import encoded
from metrics_lake.serve.sums import Row

REMOVED = "_removed.json"  # the revisions of removed blobs, by path, beside the tenants' folders
_KEYS = {"stream", "period", "status", "revision"}
_DEPTH = 3  # <tenant>/<stream>/<kind>/<name>.json


def row(path: str, document: Row, content: bytes) -> Row:
    """The row of a rollup, whose bytes are `content`."""
    period = document["period"]
    return {
        "path": path.partition("/")[2],
        "stream": document["stream"],
        "kind": period["kind"],
        "name": period["name"],
        "start": period["start"],
        "size": len(content),
        "hash": content_mark(content),
        "revision": document["revision"],
        "status": document["status"],
    }


def write(blobs: Blobs, tenant: str, name: str, zone: str, rows: Mapping[str, Row], mark: str | None) -> str:
    """Writes the index if it differs, and returns its mark. `rows` are those of the compared rollups, by path; `mark` is that
    of the index which is valid for all others.
    """
    place = path_of(tenant)
    old = blobs.read(place)
    known = {f"{tenant}/{row['path']}": row for row in _valid_rows(old, mark)} | dict(rows)
    present = [row for path in blobs_of(blobs, tenant) if (row := known.get(path) or _read(blobs, path))]
    by_path = sorted(present, key=lambda row: str(row["path"]))
    ordered = sorted(by_path, key=lambda row: str(row["start"]), reverse=True)
    new = encoded({"schema": FORMAT, "tenant": tenant, "name": name, "timezone": zone, "rollups": ordered})
    if new != old:
        blobs.write(place, new)
    return _mark(new)


def blobs_of(blobs: Blobs, tenant: str) -> Iterator[str]:
    """The paths of a tenant's rollups, without its index."""
    return (path for path in blobs.paths(tenant) if is_rollup(tenant, path))


def is_rollup(tenant: str, path: str) -> bool:
    """Whether a path is one of a tenant's rollup. Names with a dot are files that are being written."""
    name = path.rpartition("/")[2]
    is_json = name.endswith(".json") and not name.startswith(".")
    return is_json and path.startswith(f"{tenant}/") and path.count("/") == _DEPTH


def rows_of(blobs: Blobs, tenant: str) -> dict[str, Row]:
    """By path what the index says of each rollup; empty if there is none, or a torn one."""
    return {f"{tenant}/{row['path']}": row for row in _rows(blobs.read(path_of(tenant)))}


def is_torn(index: bytes | None) -> bool:
    """Whether an index that is there can't be used."""
    return index is not None and not isinstance(notes.parsed(index).get("rollups"), list)


def revisions(blobs: Blobs, tenant: str) -> dict[str, int]:
    """By path the last revision of each rollup that the index names or that was removed; one that comes back continues it."""
    known = {path: int(row["revision"]) for path, row in rows_of(blobs, tenant).items()}
    return _highest(known, _removed(blobs))


def remove(blobs: Blobs, tenant: str, paths: Sequence[str]) -> None:
    """Removes rollups: their revisions are noted, their rows leave the index, then they go. An empty index is removed too."""
    if paths:
        known = revisions(blobs, tenant)
        last = {path: max(known.get(path, 0), _revision(content)) for path, content in blobs.read_all(paths)}
        blobs.write(REMOVED, json.dumps(_highest(last, _removed(blobs)), indent=1, sort_keys=True).encode())
    place = path_of(tenant)
    old = blobs.read(place) if paths else None
    if old:
        listed, removed = _rows(old), {path.partition("/")[2] for path in paths}
        rows = [row for row in listed if row["path"] not in removed]
        if not rows:
            blobs.delete(place)
        elif len(rows) < len(listed):
            blobs.write(place, encoded({**json.loads(old), "rollups": rows}))
    for path in paths:
        blobs.delete(path)


def path_of(tenant: str) -> str:
    """Where a tenant's index lies below `storage.rollups`."""
    return f"{tenant}/index.json"


def _valid_rows(old: bytes | None, mark: str | None) -> list[Row]:
    if old is None or _mark(old) != mark:
        return []
    return [row for row in _rows(old) if "hash" in row]  # an index of an older version has none


def _read(blobs: Blobs, path: str) -> Row | None:
    content = blobs.read(path) or b""
    document = parsed(content)
    return row(path, document, content) if document else None


def parsed(rollup: bytes | None) -> Row | None:
    """A rollup as it is stored; None if it is torn or is none."""
    document = notes.parsed(rollup)
    return document if document.keys() >= _KEYS and isinstance(document["period"], dict) else None


def _rows(index: bytes | None) -> list[Row]:
    """The rows of an index, valid or not; none if it can't be parsed."""
    rows: list[Row] = notes.parsed(index).get("rollups", [])
    return rows


def _revision(blob: bytes | None) -> int:
    """The revision of a rollup; 0 if it can't be parsed."""
    document = parsed(blob)
    return int(document["revision"]) if document else 0


def _removed(blobs: Blobs) -> dict[str, int]:
    return notes.read(blobs, REMOVED)


def _highest(ones: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    return {path: max(ones.get(path, 0), others.get(path, 0)) for path in {*ones, *others}}


def content_mark(content: bytes) -> str:
    """The `hash` of a rollup: the first 16 hex digits of the SHA-256 of its bytes."""
    return _mark(content)[:16]


def _mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
