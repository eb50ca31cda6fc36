"""Who listens: an address or two, a player, a favourite stream and how often they come back.

Of every twenty people of a tenant four share one address and differ by player. One in ten is on IPv6 and has two
addresses of one /64, which count as one. One in ten sometimes arrives as `::ffff:a.b.c.d`.
One in forty names no player.
"""

from __future__ import annotations

from ipaddress import IPv6Address

import numpy as np
import polars as pl

from metrics_lake.demo.agents import AGENTS
from metrics_lake.demo.cast import TENANTS, Tenant
from metrics_lake.demo.traffic_plan import Ints, Plan

STREAMS = tuple((tenant, stream) for tenant in TENANTS for stream in tenant.streams)


def everyone(plan: Plan) -> pl.DataFrame:
    """One row per listener, `listener_no` counting from 0; `stream_no` is the favourite, an index into STREAMS."""
    parts = [_of_tenant(plan, number) for number in range(len(TENANTS))]
    return pl.concat(parts).with_row_index("listener_no")


def _of_tenant(plan: Plan, tenant_no: int) -> pl.DataFrame:
    tenant, draws = TENANTS[tenant_no], plan.draws(1, tenant_no)
    count = max(20, round(plan.clients * tenant.share))
    addresses, others = _addresses(draws, tenant, count)
    home = _homes(count)
    return pl.DataFrame(
        {
            "tenant_no": np.full(count, tenant_no),
            "address": [addresses[h] for h in home],
            "other_address": [others[h] for h in home],
            "agent": [AGENTS[a].text for a in _agents(draws, home)],
            "stream_no": _favourites(draws, tenant_no, count),
            "weight": draws.lognormal(0.0, 1.2, count),
        }
    )


def _homes(count: int) -> Ints:
    """Whose address a person has: the last three of every twenty live with the one before them."""
    number = np.arange(count)
    return np.where(number % 20 > 16, number - number % 20 + 16, number)


def _agents(draws: np.random.Generator, home: Ints) -> Ints:
    """A player each; those who share an address get neighbours in the list, so no two of them are one listener."""
    weights = np.array([agent.weight for agent in AGENTS])
    drawn = draws.choice(len(AGENTS), len(home), p=weights / weights.sum())
    number = np.arange(len(home))
    return np.where(number % 40 == 7, len(AGENTS) - 1, (drawn[home] + number - home) % len(AGENTS))


def _favourites(draws: np.random.Generator, tenant_no: int, count: int) -> Ints:
    numbers = [n for n, (tenant, _) in enumerate(STREAMS) if tenant is TENANTS[tenant_no]]
    shares = np.array([STREAMS[n][1].share for n in numbers])
    favourites: Ints = draws.choice(numbers, count, p=shares / shares.sum())
    return favourites


def _addresses(draws: np.random.Generator, tenant: Tenant, count: int) -> tuple[list[str], list[str]]:
    """Distinct addresses, and the other form under which the same person may come (often the same one)."""
    v4 = draws.choice(len(tenant.networks) << 24, count, replace=False)
    v6 = draws.choice(1 << 32, count, replace=False)
    hosts = draws.integers(1, 1 << 62, (count, 2))
    addresses, others = [], []
    for number in range(count):
        plain = _dotted(tenant, int(v4[number]))
        pair = [_colons(tenant, int(v6[number]), int(host)) for host in hosts[number]]
        one, two = pair if number % 10 == 3 else (plain, f"::ffff:{plain}" if number % 10 == 5 else plain)
        addresses.append(one)
        others.append(two)
    return addresses, others


def _dotted(tenant: Tenant, number: int) -> str:
    return f"{tenant.networks[number >> 24]}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _colons(tenant: Tenant, subnet: int, host: int) -> str:
    """One host of a /64, written as HAProxy does; every eighth has a short one, so `::` occurs."""
    host = host % 1000 + 1 if host % 8 == 0 else host
    return str(IPv6Address(tenant.network6 << 96 | subnet << 64 | host))
