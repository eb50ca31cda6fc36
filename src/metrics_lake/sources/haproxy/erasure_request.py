"""An erasure request: from the address and user agent of a person to their listener ids, under every key that may apply.

The address stays in this module and in the caller's memory. The tables are searched for the ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone

from metrics_lake.privacy.hashing import ROTATIONS, Hasher, canonical, epoch_of
from metrics_lake.privacy.salt_tree import KeysError
from metrics_lake.privacy.salts import KeyDestroyed
from metrics_lake.sources.haproxy.listeners import hashed_agent, normalized_agent, unescaped
from metrics_lake.sources.lookups import user_agents

LASTING = ("id", "playback")  # the second is what older versions called it
_KINDS = (None, *user_agents.KINDS)  # with `identity: ip`, a bot at the same address has another id
_SCHEME = "write an address, a blank and the user agent as the log has it (or - for none), or: id ID"


class ErasureRequestError(Exception):
    """A line of the request names no client. The message has the line's number and none of its content."""


@dataclass(frozen=True)
class ErasureRequest:
    """A client as its log lines show it. Its repr shows none of the values."""

    address: str = field(default="", repr=False)
    agent: str = field(default="", repr=False)
    lasting_id: str = field(default="", repr=False)


@dataclass(frozen=True)
class ListenerIds:
    """`current` are listener ids under the configured key rotation, `others` those under rotations that were possible before.

    `destroyed` are the epochs of these days whose key no longer exists: their listeners can't be identified any more.
    """

    current: frozenset[str]
    others: frozenset[str]
    destroyed: tuple[str, ...]

    @property
    def every(self) -> frozenset[str]:
        return self.current | self.others


def read(lines: Iterable[str], *, is_hashed: bool) -> list[ErasureRequest]:
    """Clients, one per line; blank lines and comments (#) are ignored. ErasureRequestError gives the number of a bad line.

    `is_hashed`: the log has HAProxy's own hash in place of the address, so the lines have that hash too.
    """
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
    requests = [_parse(number, line, is_hashed) for number, line in numbered if line and not line.startswith("#")]
    if not requests:
        raise ErasureRequestError(f"nobody is named: {_SCHEME}; one a line")
    return requests


def _parse(number: int, line: str, is_hashed: bool) -> ErasureRequest:
    first, _, rest = line.partition("\t") if "\t" in line else line.partition(" ")
    if first.lower() in LASTING and rest.strip():
        return ErasureRequest(lasting_id=unescaped(rest.strip()))
    address = first.strip().strip("[]")
    if not is_hashed and canonical(address) is None:
        raise ErasureRequestError(f"line {number} begins with no address: {_SCHEME}")
    return ErasureRequest(address, normalized_agent(rest))


def listener_ids(
    requests: Iterable[ErasureRequest],
    tenant: str,
    days: Iterable[date],
    hasher: Hasher,
    *,
    identity: str,
    rotation: str,
) -> ListenerIds:
    """The ids that these clients had with a tenant on these UTC days; `identity` is the tenant's (definitions.md section 1).

    KeysError where keys rotate and the tenant has none.
    """
    requests, instants = list(requests), [datetime.combine(on, time(12), timezone.utc) for on in days]
    current, others, destroyed = set[str](), set[str](), list[str]()
    for possible in ROTATIONS:
        for epoch in sorted({epoch_of(instant, possible) for instant in instants}):
            try:
                ids = set(_ids_of_epoch(requests, tenant, epoch, hasher, identity))
            except (KeyDestroyed, KeysError) as error:
                if possible == rotation and isinstance(error, KeysError):
                    raise
                destroyed += [epoch] * (possible == rotation)
                continue
            (current if possible == rotation else others).update(ids)
    return ListenerIds(frozenset(current), frozenset(others), tuple(destroyed))


def _ids_of_epoch(
    requests: Iterable[ErasureRequest], tenant: str, epoch: str, hasher: Hasher, identity: str
) -> Iterator[str]:
    for request in requests:
        if request.lasting_id:
            yield from (hasher.lasting(tenant, epoch, request.lasting_id, kind) for kind in _KINDS)
        else:
            agents = _hashed_agents(request, identity)
            yield from (hasher.listener(tenant, epoch, request.address, agent) for agent in agents)


def _hashed_agents(request: ErasureRequest, identity: str) -> set[str]:
    """All values that may be hashed with the address: several with `identity: ip`, where the agent isn't needed."""
    return {hashed_agent(identity, request.agent, kind) for kind in _KINDS}
