"""`index.json` lists a tenant's rollups, the newest first, and lies beside them.

The rows of rollups that didn't change are copied from the old index, so that a new hour reads no other rollup. For that the old
index must be valid: `_published.json` has its mark (a hash) from the end of a publish until the next one begins. An index
without that mark is missing, outdated, or from before a crash; then every rollup is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from metrics_lake.io.storage.blobs import Blobs
from metrics_lake.serve.json_text import encoded
from metrics_lake.serve.sums import Row

REMOVED = "_removed.json"  # the revisions of removed blobs, by path, beside the tenants' folders
_SCHEMA = "metrics-lake/index/1"
_DEPTH = 3  # <tenant>/<stream>/<kind>/<name>.json


def row(path: str, document: Row, size: int) -> Row:
    """The row of a rollup of `size` bytes."""
    period = document["period"]
    return {
        "path": path.partition("/")[2],
        "stream": document["stream"],
        "kind": period["kind"],
        "name": period["name"],
        "start": period["start"],
        "size": size,
        "revision": document["revision"],
        "status": document["status"],
    }


def write(blobs: Blobs, tenant: str, name: str, zone: str, rows: Mapping[str, Row], mark: str | None) -> str:
    """Writes the index if it differs, and returns its mark. `rows` are those of the compared rollups, by path; `mark` is that
    of the index which is valid for all others.
    """
    place = _path(tenant)
    old = blobs.read(place)
    known = {f"{tenant}/{row['path']}": row for row in _valid_rows(old, mark)} | dict(rows)
    present = [row for path in blobs_of(blobs, tenant) if (row := known.get(path) or _read(blobs, path))]
    by_path = sorted(present, key=lambda row: str(row["path"]))
    ordered = sorted(by_path, key=lambda row: str(row["start"]), reverse=True)
    new = encoded({"schema": _SCHEMA, "tenant": tenant, "name": name, "timezone": zone, "rollups": ordered})
    if new != old:
        blobs.write(place, new)
    return _mark(new)


def blobs_of(blobs: Blobs, tenant: str) -> Iterator[str]:
    """The paths of a tenant's rollups, without its index."""
    return (path for path in blobs.paths(tenant) if path.count("/") == _DEPTH)


def revisions(blobs: Blobs, tenant: str) -> dict[str, int]:
    """By path the last revision of each rollup that the index names or that was removed; one that comes back continues it."""
    known = {f"{tenant}/{row['path']}": int(row["revision"]) for row in _rows(blobs.read(_path(tenant)))}
    return _highest(known, _removed(blobs))


def remove(blobs: Blobs, tenant: str, paths: Sequence[str]) -> None:
    """Removes rollups: their revisions are noted, their rows leave the index, then they go. An empty index is removed too."""
    if paths:
        known = revisions(blobs, tenant)
        last = {path: max(known.get(path, 0), _revision(content)) for path, content in blobs.read_all(paths)}
        blobs.write(REMOVED, json.dumps(_highest(last, _removed(blobs)), indent=1, sort_keys=True).encode())
    place = _path(tenant)
    old = blobs.read(place) if paths else None
    if old:
        index, removed = json.loads(old), {path.partition("/")[2] for path in paths}
        rows = [row for row in index["rollups"] if row["path"] not in removed]
        if not rows:
            blobs.delete(place)
        elif len(rows) < len(index["rollups"]):
            blobs.write(place, encoded({**index, "rollups": rows}))
    for path in paths:
        blobs.delete(path)


def _path(tenant: str) -> str:
    return f"{tenant}/index.json"


def _valid_rows(old: bytes | None, mark: str | None) -> list[Row]:
    if old is None or _mark(old) != mark:
        return []
    rows: list[Row] = json.loads(old)["rollups"]
    return rows


def _read(blobs: Blobs, path: str) -> Row | None:
    content = blobs.read(path)
    return row(path, json.loads(content), len(content)) if content else None


def _rows(index: bytes | None) -> list[Row]:
    """The rows of an index, valid or not; none if it can't be parsed."""
    try:
        rows: list[Row] = json.loads(index or b"{}").get("rollups", [])
    except ValueError:
        return []
    return rows


def _revision(blob: bytes | None) -> int:
    """The revision of a rollup; 0 if it can't be parsed."""
    try:
        return int(json.loads(blob or b"{}").get("revision", 0))
    except ValueError:
        return 0


def _removed(blobs: Blobs) -> dict[str, int]:
    revisions: dict[str, int] = json.loads(blobs.read(REMOVED) or b"{}")
    return revisions


def _highest(ones: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    return {path: max(ones.get(path, 0), others.get(path, 0)) for path in {*ones, *others}}


def _mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
