"""Salts of the listeners' keys: one for each tenant and epoch, any of which can be destroyed for good.

Keys are derived from one secret, so a key could always be derived again; what makes erasure real is a random salt
that enters the derivation and is stored in a file of its own. Workers meet unforeseen epochs (a log of last year that
lands today), so the salts of all epochs follow from one random root for each tenant: salt_tree.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from metrics_lake.privacy.salt_tree import KeysError, Nodes, covering, leaf, path_of, punctured

ROOT_BYTES = 32
_SHAPES = {"yearly": r"\d{4}", "monthly": r"\d{4}-\d\d", "daily": r"\d{4}-\d\d-\d\d"}


def derived(secret: bytes, info: str, length: int, salt: bytes | None = None) -> bytes:
    """A key for one purpose, which `info` names, out of the secret: HKDF-SHA256 (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info.encode()).derive(secret)


class KeyDestroyed(Exception):
    """The salt of this tenant and epoch was destroyed; its listeners can't be hashed any more."""


@dataclass(frozen=True)
class Salts:
    """The content of the keys file. `nodes` are each tenant's tree nodes by path, `destroyed` the times by `tenant/epoch`.

    Like a Hasher it stays in its process: its repr shows no node, and it can't be pickled.
    """

    nodes: Mapping[str, Nodes] = field(default_factory=dict)
    destroyed: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Salts({len(self.nodes)} tenants, {len(self.destroyed)} destroyed)"

    def __reduce__(self) -> str:
        raise TypeError("Salts are keys and stay in their process")

    def salt(self, tenant: str, epoch: str) -> bytes | None:
        """The salt of a tenant's epoch; None for the one epoch of keys that never change, which have none.

        KeyDestroyed where it was erased, KeysError where the tenant has no root yet.
        """
        if not epoch:
            return None
        nodes, path = self.nodes.get(tenant), path_of(epoch)
        if nodes is None:
            raise KeysError(
                f"no keys for tenant {tenant!r}: they are made when a batch begins; run ingest, not a worker alone"
            )
        start = covering(nodes, path)
        if start is None:
            raise KeyDestroyed(f"the key of {tenant} for {epoch} was destroyed")
        return leaf(nodes[start], path[len(start) :])

    def is_destroyed(self, tenant: str, epoch: str) -> bool:
        return bool(epoch) and tenant in self.nodes and covering(self.nodes[tenant], path_of(epoch)) is None


@dataclass(frozen=True)
class Erased:
    """What an erasure did. `was_there` is false where it had been done before."""

    tenant: str
    epoch: str
    was_there: bool
    is_over: bool

    @property
    def text(self) -> str:
        """What can no longer be done, in a few sentences for a person."""
        done = "is destroyed" if self.was_there else "had been destroyed before"
        late = (
            "" if self.is_over else " The epoch is not over: its lines that still arrive are rejected as key_destroyed."
        )
        return (
            f"The key of tenant {self.tenant} for {self.epoch} {done}. Nobody can tell any more whether a given address was "
            f"among the listeners of {self.epoch}, link a later request to them, or hash a late line of that time. "
            f"Their sessions and figures stay, under numbers that lead to no one. Copies of the keys file made before "
            f"(backups, snapshots) undo this: destroy them too.{late}"
        )


def read(file: str | Path) -> Salts:
    """The salts for a worker, which never writes them. A missing file holds none."""
    path = Path(file)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        nodes = {
            tenant: {place: bytes.fromhex(node) for place, node in tree.items()}
            for tenant, tree in stored["nodes"].items()
        }
        return Salts(nodes, stored["destroyed"])
    except FileNotFoundError:
        return Salts()
    except (OSError, ValueError, KeyError, AttributeError) as error:
        remedy = "restore it; without it every listener would become a new one"
        raise KeysError(f"the keys file {path} can't be read ({type(error).__name__}): {remedy}") from None


def prepare(file: str | Path, tenants: Iterable[str]) -> None:
    """Gives each tenant that has none a random root. For the driver, before a batch is read."""
    path = Path(file)
    with _locked(path):
        salts = read(path)
        missing = [tenant for tenant in tenants if tenant not in salts.nodes]
        if missing:
            roots = {tenant: {"": os.urandom(ROOT_BYTES)} for tenant in missing}
            _write(path, Salts({**salts.nodes, **roots}, salts.destroyed))


def erase(file: str | Path, tenant: str, epoch: str, *, rotation: str, at: datetime) -> Erased:
    """Destroys the salt of one epoch of a tenant, for good, or of all with epoch `*`. KeysError if there is no such epoch."""
    path = Path(file)
    check(path, tenant, epoch, rotation=rotation)
    with _locked(path):
        salts = read(path)
        before = salts.nodes[tenant]
        after = {} if epoch == "*" else punctured(before, path_of(epoch))
        if after != before:
            stamp = {f"{tenant}/{epoch}": at.isoformat(timespec="seconds")}
            _write(path, Salts({**salts.nodes, tenant: after}, {**salts.destroyed, **stamp}))
    return Erased(tenant, epoch, after != before, epoch != "*" and epoch < at.strftime("%Y-%m-%d")[: len(epoch)])


def check(file: str | Path, tenant: str, epoch: str, *, rotation: str) -> None:
    """Raises KeysError where there is no such epoch, or the tenant has no keys; changes nothing."""
    _checked(epoch, rotation)
    salts = read(file)
    if tenant not in salts.nodes:
        raise KeysError(f"tenant {tenant!r} has no keys in {file} (known: {', '.join(sorted(salts.nodes)) or 'none'})")


def _checked(epoch: str, rotation: str) -> None:
    if rotation == "never":
        raise KeysError(
            "with key_rotation: never one key serves all time and follows from the secret alone; to destroy it, replace "
            "the secret (all tenants' listeners become new ones), or set key_rotation to yearly, monthly or daily; both make the "
            "lake anew: metrics-lake rebuild"
        )
    if epoch != "*" and not re.fullmatch(_SHAPES[rotation], epoch):
        example = {"yearly": "2026", "monthly": "2026-11", "daily": "2026-11-22"}[rotation]
        raise KeysError(f"{epoch!r} is no epoch of key_rotation: {rotation}; write it as {example}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(path.name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, salts: Salts) -> None:
    """Puts a new file in place, whole, then overwrites the bytes of the old one."""
    nodes = {tenant: {place: node.hex() for place, node in tree.items()} for tenant, tree in salts.nodes.items()}
    text = json.dumps({"version": 1, "nodes": nodes, "destroyed": dict(salts.destroyed)}, indent=1, sort_keys=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    old = path.open("r+b") if path.exists() else None
    os.replace(fresh, path)
    _sync(path.parent)
    if old:
        with old:
            old.write(os.urandom(os.fstat(old.fileno()).st_size))
            old.flush()
            os.fsync(old.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
