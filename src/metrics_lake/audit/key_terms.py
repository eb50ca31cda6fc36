"""Every key that the system stores or derives, for an audit to search for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from metrics_lake.privacy import hashing, redaction
from metrics_lake.privacy.salts import KeyDestroyed, Salts


def key_terms(
    secret: bytes, tenants: Iterable[str], epochs: Iterable[str], salts: Salts | None = None
) -> dict[str, bytes]:
    """By name: the secret, the keys derived from it alone, the nodes of the salt trees, every tenant's salt and key of every epoch.

    `epochs` are names as `privacy.epoch_of` gives them; the empty name is that of keys that never change.
    """
    salts = salts or Salts()
    named = {"the secret": secret, "the seed of lines": hashing.line_seed(secret).to_bytes(8, "big")}
    named |= {"the key of names": redaction.name_key(secret), "the key of rules": redaction.rules_key(secret)}
    for tenant, nodes in salts.nodes.items():
        named |= {f"node {place or 'root'} of {tenant}": node for place, node in nodes.items()}
    epochs = list(epochs)
    for tenant in tenants:
        for epoch in epochs:
            try:
                salt = salts.salt(tenant, epoch) if epoch and tenant in salts.nodes else None
            except KeyDestroyed:
                continue
            if salt:
                named[f"salt of {tenant} {epoch}"] = salt
            named[f"key of {tenant} {epoch or 'for ever'}"] = hashing.derive_key(secret, tenant, epoch, salt)
    return named


def epochs_between(first: datetime, last: datetime, rotation: str) -> list[str]:
    """The names of all epochs from one instant to another, both included."""
    days = range((last.astimezone(timezone.utc).date() - first.astimezone(timezone.utc).date()).days + 1)
    names = [hashing.epoch_of(first + timedelta(days=day), rotation) for day in days]
    return list(dict.fromkeys([*names, hashing.epoch_of(last, rotation)]))
