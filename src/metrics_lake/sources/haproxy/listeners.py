"""Who asked: address and agent become a keyed hash, and what may be kept of the agent, once for each distinct pair.

The one step that sees an address. It runs inside the worker, over what is distinct in a chunk, and the address
column ends here (definitions.md section 8).
"""

from __future__ import annotations

import re
from datetime import datetime, timezone

import polars as pl

from metrics_lake.privacy import Hasher, epoch_of
from metrics_lake.sources import agents
from metrics_lake.tenants import Tenants

_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_PAIR = ("tenant", "epoch_day", "address", "user_agent", "playback_id")
_DAY_MS = 86_400_000


def unescaped(text: str) -> str:
    """HAProxy's `#XX` undone: bytes that are no UTF-8 become the replacement character."""
    if "#" not in text:
        return text
    raw = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), text.encode())
    return raw.decode("utf-8", errors="replace")


def identified(
    requests: pl.DataFrame, tenants: Tenants, hasher: Hasher, *, identity: str, rotation: str
) -> pl.DataFrame:
    """Adds listener_id, has_agent, player, player_version, os, device, and drops address, user_agent and playback_id."""
    requests = requests.with_columns(epoch_day=_epoch_day(rotation))
    pairs = requests.select(_PAIR).unique()
    agent = pl.Series("agent", [_known_agent(text) for text in pairs["user_agent"]], dtype=pl.String)
    pairs = pairs.with_columns(
        agent,
        pl.Series(
            "listener_id", [_listener(row, tenants, hasher, identity, rotation) for row in pairs.rows()], pl.String
        ),
    )
    kept = agents.described(agent.unique(maintain_order=True))
    pairs = pairs.join(kept, on="agent", how="left", maintain_order="left").with_columns(
        has_agent=pl.col("agent") != ""
    )
    joined = requests.join(pairs, on=_PAIR, how="left", nulls_equal=True, maintain_order="left")
    return joined.drop("address", "user_agent", "playback_id", "agent", "epoch_day")


def _epoch_day(rotation: str) -> pl.Expr:
    """The UTC day of a request where keys change with time; one day for all where they never do."""
    return (pl.col("accepted_ms") // _DAY_MS if rotation != "never" else pl.lit(0)).cast(pl.Int64)


def _known_agent(text: str | None) -> str:
    plain = unescaped(text or "").strip()
    return "" if plain in agents.NO_VALUES else plain


def _listener(
    row: tuple[str, int, str, str | None, str | None], tenants: Tenants, hasher: Hasher, identity: str, rotation: str
) -> str:
    tenant, epoch_day, address, user_agent, playback = row
    epoch = epoch_of(datetime.fromtimestamp(epoch_day * 86_400, timezone.utc), rotation)
    if playback not in (None, *agents.NO_VALUES):
        return hasher.playback(tenant, epoch, unescaped(str(playback)))
    by = tenants.tenants[tenant].identity or identity
    return hasher.listener(tenant, epoch, address, "" if by == "ip" else _known_agent(user_agent))
