"""From address and user agent to the listener id, a keyed hash, and the properties that may be stored.

This is the only step that sees an address. It runs in the worker over the distinct pairs of a chunk, and the address
column is dropped here (definitions.md section 8).
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from functools import lru_cache

import polars as pl

from metrics_lake.config.settings import Rules
from metrics_lake.privacy.hashing import Hasher, canonical, epoch_of
from metrics_lake.sources.lookups import geo, referrers, user_agents

_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_PAIR = ("tenant", "epoch_day", "address", "user_agent", "lasting_id")
_DAY_MS = 86_400_000


def unescaped(text: str) -> str:
    """Decodes HAProxy's `#XX`. Bytes that are not UTF-8 become the replacement character."""
    if "#" not in text:
        return text
    raw = _ESCAPE.sub(lambda with_descriptions: bytes([int(with_descriptions[1], 16)]), text.encode())
    return raw.decode("utf-8", errors="replace")


def identify_listeners(requests: pl.DataFrame, rules: Rules, hasher: Hasher) -> pl.DataFrame:
    """Adds listener_id and the stored properties; drops agent, address, referrer and lasting_id.

    The properties are has_agent, player, player_version, os, device, client_kind, is_internal, country, region, network, source
    and source_group.
    """
    requests = requests.with_columns(epoch_day=_epoch_day(rules.privacy.key_rotation))
    pairs = _with_agents(requests.select(_PAIR).unique())
    address = pl.Series("plain", [canonical(text) or "" for text in pairs["address"]], dtype=pl.String)
    named = pairs.select(*_PAIR, "client_kind").rows()
    listener = pl.Series("listener_id", [_listener(row, rules, hasher) for row in named], dtype=pl.String)
    pairs = _with_location(pairs.with_columns(address, listener), rules)
    own_sites = {name: tenant.own_sites for name, tenant in rules.tenants.tenants.items()}
    came_from = referrers.describe(requests.select("tenant", "referer"), own_sites)
    joined = requests.join(pairs, on=_PAIR, how="left", nulls_equal=True, maintain_order="left")
    joined = joined.join(came_from, on=["tenant", "referer"], how="left", nulls_equal=True, maintain_order="left")
    return joined.drop("address", "user_agent", "lasting_id", "agent", "plain", "epoch_day", "referer")


def _with_agents(pairs: pl.DataFrame) -> pl.DataFrame:
    """Adds agent, as it is hashed, and the properties that depend on it.

    If the log format has no field for the agent (it is null), has_agent is null and the properties are unknown.
    If the field is there and empty, has_agent is false.
    """
    agent = pl.Series("agent", [normalized_agent(text) for text in pairs["user_agent"]], dtype=pl.String)
    described = user_agents.describe(agent.unique(maintain_order=True))
    with_descriptions = pairs.with_columns(agent).join(described, on="agent", how="left", maintain_order="left")
    has_place = pl.col("user_agent").is_not_null()
    return with_descriptions.with_columns(
        *(
            pl.when(has_place).then(name).otherwise(pl.lit(user_agents.UNKNOWN)).alias(name)
            for name in ("player", "os", "device")
        ),
        has_agent=pl.when(has_place).then(pl.col("agent") != ""),
    )


def is_destroyed(requests: pl.DataFrame, hasher: Hasher, rotation: str) -> pl.DataFrame:
    """Adds `is_destroyed`: the key of that tenant and time is destroyed, so its listeners can't be identified."""
    if rotation == "never":
        return requests.with_columns(is_destroyed=pl.lit(False))
    requests = requests.with_columns(epoch_day=_epoch_day(rotation))
    days = requests.select("tenant", "epoch_day").unique()
    destroyed = [hasher.is_destroyed(tenant, _epoch(day, rotation)) for tenant, day in days.rows()]
    days = days.with_columns(pl.Series("is_destroyed", destroyed, dtype=pl.Boolean))
    return requests.join(days, on=["tenant", "epoch_day"], how="left", maintain_order="left").drop("epoch_day")


def _with_location(pairs: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Adds country, region, network and is_internal, by the canonical address in `plain`."""
    geo_files = geo.open_files(rules.places.country_file, rules.places.network_file)
    locations = geo_files.describe(pairs["plain"].unique(maintain_order=True).to_list()).rename({"address": "plain"})
    inside = []
    for name, tenant in rules.tenants.tenants.items():
        of_tenant = pairs.filter(pl.col("tenant") == name).select("plain").unique(maintain_order=True)
        is_internal = geo.is_internal(of_tenant["plain"].to_list(), tenant.internal_networks)
        inside.append(
            of_tenant.with_columns(pl.Series("is_internal", is_internal, dtype=pl.Boolean), tenant=pl.lit(name))
        )
    located = pairs.join(locations, on="plain", how="left", maintain_order="left")
    return located.join(pl.concat(inside), on=["tenant", "plain"], how="left", maintain_order="left")


@lru_cache(maxsize=4096)
def _epoch(day: int, rotation: str) -> str:
    return epoch_of(datetime.fromtimestamp(day * 86_400, timezone.utc), rotation)


def _epoch_day(rotation: str) -> pl.Expr:
    """The UTC day of a request if keys rotate; else one day for all requests."""
    return (pl.col("accepted_ms") // _DAY_MS if rotation != "never" else pl.lit(0)).cast(pl.Int64)


def normalized_agent(text: str | None) -> str:
    """An agent as it is hashed: decoded and stripped; empty if the client sent none."""
    plain = unescaped(text or "").strip()
    return "" if plain in user_agents.NO_VALUES else plain


def hashed_agent(identity: str, agent: str, kind: str | None) -> str:
    """The value that is hashed with the address: the agent, or nothing with `identity: ip`.

    Bots, monitors and relays get another id than the people at the same address in both cases.
    """
    if identity != "ip":
        return agent
    return f"\n{kind}" if kind else ""  # no agent begins with a line end


def _listener(row: tuple[str, int, str, str | None, str | None, str | None], rules: Rules, hasher: Hasher) -> str:
    tenant, epoch_day, address, user_agent, lasting, kind = row
    epoch = _epoch(epoch_day, rules.privacy.key_rotation)
    if lasting not in (None, *user_agents.NO_VALUES):
        return hasher.lasting(tenant, epoch, unescaped(str(lasting)), kind)
    identity = rules.tenants.tenants[tenant].identity or rules.privacy.identity
    return hasher.listener(tenant, epoch, address, hashed_agent(identity, normalized_agent(user_agent), kind))
