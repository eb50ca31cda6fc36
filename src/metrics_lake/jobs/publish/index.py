"""What there is for a tenant, newest first: `index.json` beside its blobs.

What a blob that nobody touched says stands in the old index, so one new hour reads no blob for it. That is as true as the
index: `_published.json` holds the mark of the one that was made of all blobs as they stand, and before the first blob of
a publish is written it holds none. An index without its mark is lost, of another time, or from before a crash, and every
blob is read for the next.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from metrics_lake.io.storage.blobs import Blobs
from metrics_lake.serve.rollup.rollup import encoded
from metrics_lake.serve.rollup.rows import Row

REMOVED = "_removed.json"  # the revisions of blobs that are no more, by path, beside the tenants' folders
_SCHEMA = "metrics-lake/index/1"
_DEPTH = 3  # <tenant>/<stream>/<kind>/<name>.json


def row(path: str, held: Row, size: int) -> Row:
    """What the index says of a blob of so many bytes."""
    period = held["period"]
    return {
        "path": path.partition("/")[2],
        "stream": held["stream"],
        "kind": period["kind"],
        "name": period["name"],
        "start": period["start"],
        "size": size,
        "revision": held["revision"],
        "status": held["status"],
    }


def write(blobs: Blobs, tenant: str, name: str, zone: str, rows: Mapping[str, Row], mark: str | None) -> str:
    """Puts the index in place if it differs, and gives its mark. `rows` are those of the blobs that were looked at, by
    path; `mark` is that of the index that holds for all others.
    """
    place = _place(tenant)
    old = blobs.read(place)
    known = {f"{tenant}/{each['path']}": each for each in _held(old, mark)} | dict(rows)
    found = [each for path in blobs_of(blobs, tenant) if (each := known.get(path) or _read(blobs, path))]
    ordered = sorted(
        sorted(found, key=lambda each: str(each["path"])), key=lambda each: str(each["start"]), reverse=True
    )
    new = encoded({"schema": _SCHEMA, "tenant": tenant, "name": name, "timezone": zone, "rollups": ordered})
    if new != old:
        blobs.write(place, new)
    return _mark(new)


def blobs_of(blobs: Blobs, tenant: str) -> Iterator[str]:
    """The paths of a tenant's blobs, which its index is not one of."""
    return (path for path in blobs.paths(tenant) if path.count("/") == _DEPTH)


def revisions(blobs: Blobs, tenant: str) -> dict[str, int]:
    """By path the last revision of each blob that the index names, or that was removed: one that comes back goes on from it."""
    known = {f"{tenant}/{each['path']}": int(each["revision"]) for each in _rows(blobs.read(_place(tenant)))}
    return _highest(known, _removed(blobs))


def remove(blobs: Blobs, tenant: str, paths: Sequence[str]) -> None:
    """Takes blobs out of the index, then away; an index that would be left with none goes too.

    Their revisions are noted first.
    """
    if paths:
        known = revisions(blobs, tenant)
        last = {path: max(known.get(path, 0), _revision(content)) for path, content in blobs.read_all(paths)}
        blobs.write(REMOVED, json.dumps(_highest(last, _removed(blobs)), indent=1, sort_keys=True).encode())
    place = _place(tenant)
    old = blobs.read(place) if paths else None
    if old:
        held, gone = json.loads(old), {path.partition("/")[2] for path in paths}
        rows = [each for each in held["rollups"] if each["path"] not in gone]
        if not rows:
            blobs.delete(place)
        elif len(rows) < len(held["rollups"]):
            blobs.write(place, encoded({**held, "rollups": rows}))
    for path in paths:
        blobs.delete(path)


def _place(tenant: str) -> str:
    return f"{tenant}/index.json"


def _held(old: bytes | None, mark: str | None) -> list[Row]:
    if old is None or _mark(old) != mark:
        return []
    rows: list[Row] = json.loads(old)["rollups"]
    return rows


def _read(blobs: Blobs, path: str) -> Row | None:
    content = blobs.read(path)
    return row(path, json.loads(content), len(content)) if content else None


def _rows(index: bytes | None) -> list[Row]:
    """What an index says, whether or not it holds; nothing if it can't be read."""
    try:
        rows: list[Row] = json.loads(index or b"{}").get("rollups", [])
    except ValueError:
        return []
    return rows


def _revision(blob: bytes | None) -> int:
    """Of a blob as it stands; 0 if it can't be read."""
    try:
        return int(json.loads(blob or b"{}").get("revision", 0))
    except ValueError:
        return 0


def _removed(blobs: Blobs) -> dict[str, int]:
    held: dict[str, int] = json.loads(blobs.read(REMOVED) or b"{}")
    return held


def _highest(some: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    return {path: max(some.get(path, 0), others.get(path, 0)) for path in {*some, *others}}


def _mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
