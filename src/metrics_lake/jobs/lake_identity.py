"""Under which secret, and as whom, a lake knows its listeners: all its uniques count ids that only these give.

`identity.json` beside the checkpoints has a one-way check value of the secret, the rotation of keys, and each tenant's identity.
Under others every listener would be a new one, and counts over the change wrong without a sign of it, so they are refused: a new
lake has to be made (`rebuild`). Lakes of versions without the file are judged by the rules of their newest batch.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import polars as pl
from deltalake.exceptions import DeltaError
from pydantic import ValidationError

from metrics_lake.bronze import haproxy
from metrics_lake.bronze.feed_list import FEEDS
from metrics_lake.config.settings import Privacy, Settings, SettingsError
from metrics_lake.config.tenants import Tenants
from metrics_lake.io.lake.commit_log import CommitLog
from metrics_lake.io.lake.delta_tables import DeltaTables
from metrics_lake.io.landing.checkpoints import MANIFEST, CheckpointError
from metrics_lake.io.landing.manifest import Manifest
from metrics_lake.io.storage.blobs import blobs_in
from metrics_lake.privacy.hashing import check_value
from metrics_lake.privacy.redaction import decrypted
from metrics_lake.silver import sessions

_NAME = "identity.json"
_ANEW = "or make a lake anew from landing: metrics-lake rebuild"


class LakeIdentityError(Exception):
    """A lake can't be worked on under these settings; the message says what differs, and the two remedies."""


@dataclass(frozen=True)
class LakeIdentity:
    """What listener ids follow from: check value of the secret (empty: unknown), rotation of keys, identity by tenant."""

    secret: str
    key_rotation: str
    identities: Mapping[str, str]


def secret_of(settings: Settings) -> bytes:
    """The secret. Where none is configured the environment `local` makes one for a lake that has no data, and for no other."""
    if not has_data(settings):
        return settings.secret(may_create=True)
    try:
        return settings.secret()
    except SettingsError as error:
        if "no secret" not in str(error):
            raise
        raise LakeIdentityError(
            f"no secret, and the lake {settings.storage.lake} was made under one: put it back from a backup "
            f"({settings.privacy.secret_file}, or METRICS_LAKE_SECRET), since under a new one every listener would be a new "
            "one; if it is lost for good, put a new one there (openssl rand -hex 32), then metrics-lake rebuild"
        ) from None


def check(settings: Settings, tenants: Tenants, secret: bytes) -> None:
    """Raises LakeIdentityError where the lake's listeners were counted under another secret, rotation or identity."""
    known = _known(settings, secret)
    if known is None:
        return
    if known.secret and not hmac.compare_digest(known.secret, check_value(secret)):
        raise _other_secret(settings)
    if known.key_rotation != settings.privacy.key_rotation and _has_listeners(settings):
        raise _other(settings, "privacy.key_rotation", known.key_rotation, settings.privacy.key_rotation)
    for tenant, identity in _identities(settings.privacy, tenants).items():
        before = known.identities.get(tenant, identity)
        if before != identity and _has_listeners(settings, tenant):
            raise _other(settings, f"identity of {tenant}", before, identity)


def note(settings: Settings, tenants: Tenants, secret: bytes) -> None:
    """Writes what the lake's listeners are counted by from now on; after `check`."""
    known, identities = _known(settings, secret), _identities(settings.privacy, tenants)
    before = known.identities if known else {}
    now = LakeIdentity(check_value(secret), settings.privacy.key_rotation, {**before, **identities})
    content = json.dumps(asdict(now), indent=1, sort_keys=True).encode()
    blobs = blobs_in(_place(settings))
    if blobs.read(_NAME) != content:
        blobs.write(_NAME, content)


def has_data(settings: Settings) -> bool:
    """Whether anything was ever read into the lake."""
    if blobs_in(_place(settings)).read(_NAME) is not None:
        return True
    log = CommitLog(settings.storage.lake)
    try:
        return any(log.version(table) >= 0 for table in (sessions.TABLE, *(feed.table for feed in FEEDS)))
    except (DeltaError, OSError):
        return True  # a table that can't be read is there


def _known(settings: Settings, secret: bytes) -> LakeIdentity | None:
    """What the lake's listeners were counted by; None for a lake without data, or of which nothing is known."""
    content = blobs_in(_place(settings)).read(_NAME)
    try:
        return LakeIdentity(**json.loads(content or b""))
    except (ValueError, TypeError):  # missing, or torn
        return _of_newest_batch(settings, secret)


def _of_newest_batch(settings: Settings, secret: bytes) -> LakeIdentity | None:
    rules = next(_sealed(settings), None)
    if rules is None:
        return None
    try:
        written = decrypted(rules, secret)
    except ValidationError:
        return None
    except SettingsError:
        raise _other_secret(settings) from None
    identities = _identities(written.privacy, written.tenants)
    return LakeIdentity(check_value(secret), written.privacy.key_rotation, identities)


def _sealed(settings: Settings) -> Iterator[Mapping[str, str]]:
    """The sealed rules of each feed's newest batch."""
    for feed in FEEDS:
        manifest = Manifest(f"{_place(settings)}/{feed.checkpoint}/{MANIFEST}")
        try:
            rules = manifest.batch(manifest.last_number).rules if manifest.last_number else {}
        except CheckpointError:
            continue  # said, with its remedy, by whoever reads batches
        if "sealed" in rules:
            yield rules


def _identities(privacy: Privacy, tenants: Tenants) -> dict[str, str]:
    return {name: tenant.identity or privacy.identity for name, tenant in tenants.tenants.items()}


def _has_listeners(settings: Settings, tenant: str | None = None) -> bool:
    """Whether the lake has listeners: asked only where something differs."""
    where = None if tenant is None else pl.col("tenant") == tenant
    tables = DeltaTables(settings.storage.lake)
    return any(tables.count(table, where) for table in (sessions.TABLE, haproxy.VISITS))


def _other_secret(settings: Settings) -> LakeIdentityError:
    return LakeIdentityError(
        f"the lake {settings.storage.lake} was made under another secret, and under this one every listener would be a new one: "
        f"put that secret back ({settings.privacy.secret_file}, or METRICS_LAKE_SECRET), {_ANEW}; nothing was changed"
    )


def _other(settings: Settings, name: str, before: str, now: str) -> LakeIdentityError:
    return LakeIdentityError(
        f"{name} is {now} now, and the lake {settings.storage.lake} counted its listeners with {before}: set it back, "
        f"{_ANEW}; nothing was changed"
    )


def _place(settings: Settings) -> str:
    return f"{settings.storage.lake}/_checkpoints"
