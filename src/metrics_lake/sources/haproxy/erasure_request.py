"""Whom somebody who asks to be forgotten may be: the listener ids of address and agent, under every key there is.

The address is met here and in the caller's memory, and goes no further: what is searched for is the id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timezone

from metrics_lake.privacy.hashing import ROTATIONS, Hasher, canonical, epoch_of
from metrics_lake.privacy.salt_tree import KeysError
from metrics_lake.privacy.salts import KeyDestroyed
from metrics_lake.sources.haproxy.listeners import known_agent, unescaped, who
from metrics_lake.sources.lookups import user_agents

PLAYBACK = "playback"
_KINDS = (None, *user_agents.KINDS)  # a bot behind an address is one more listener where the agent is no part of the id
_SCHEME = "write an address, a blank and the user agent as the log has it (or - for none), or: playback ID"


class AskedError(Exception):
    """A line that names nobody; the message tells its number and never what it holds."""


@dataclass(frozen=True)
class Asked:
    """A client as its log lines would show it. Its print shows nothing of it."""

    address: str = field(default="", repr=False)
    agent: str = field(default="", repr=False)
    playback: str = field(default="", repr=False)


@dataclass(frozen=True)
class Ids:
    """`current` are listener ids by the key rotation that is set, `others` by those that may have been set before.

    `destroyed` are the epochs of these days whose key is gone: nobody can tell who was among their listeners.
    """

    current: frozenset[str]
    others: frozenset[str]
    destroyed: tuple[str, ...]

    @property
    def every(self) -> frozenset[str]:
        return self.current | self.others


def read(lines: Iterable[str], *, is_hashed: bool) -> list[Asked]:
    """Clients, one a line; blank lines and those that begin with # are left out. AskedError names a line by its number.

    `is_hashed`: the log has HAProxy's own hash in place of the address, so that is what is given here.
    """
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
    found = [_asked(number, line, is_hashed) for number, line in numbered if line and not line.startswith("#")]
    if not found:
        raise AskedError(f"nobody is named: {_SCHEME}; one a line")
    return found


def _asked(number: int, line: str, is_hashed: bool) -> Asked:
    first, _, rest = line.partition("\t") if "\t" in line else line.partition(" ")
    if first.lower() == PLAYBACK and rest.strip():
        return Asked(playback=unescaped(rest.strip()))
    address = first.strip().strip("[]")
    if not is_hashed and canonical(address) is None:
        raise AskedError(f"line {number} begins with no address: {_SCHEME}")
    return Asked(address, known_agent(rest))


def ids_of(asked: Iterable[Asked], tenant: str, days: Iterable[date], hasher: Hasher, *, by: str, rotation: str) -> Ids:
    """The ids that these clients had with a tenant on these UTC days; `by` is the tenant's identity (definitions.md section 1).

    KeysError where the tenant has no keys at all, though they rotate.
    """
    asked, instants = list(asked), [datetime.combine(on, time(12), timezone.utc) for on in days]
    current, others, destroyed = set[str](), set[str](), list[str]()
    for each in ROTATIONS:
        for epoch in sorted({epoch_of(instant, each) for instant in instants}):
            try:
                found = set(_under(asked, tenant, epoch, hasher, by))
            except (KeyDestroyed, KeysError) as error:
                if each == rotation and isinstance(error, KeysError):
                    raise
                destroyed += [epoch] * (each == rotation)
                continue
            (current if each == rotation else others).update(found)
    return Ids(frozenset(current), frozenset(others), tuple(destroyed))


def _under(asked: Iterable[Asked], tenant: str, epoch: str, hasher: Hasher, by: str) -> Iterator[str]:
    for each in asked:
        if each.playback:
            yield from (hasher.playback(tenant, epoch, each.playback, kind) for kind in _KINDS)
        else:
            yield from (hasher.listener(tenant, epoch, each.address, beside) for beside in _beside(each, by))


def _beside(asked: Asked, by: str) -> set[str]:
    """What may stand beside the address in the hash: more than one where the agent isn't needed to be known."""
    return {who(by, asked.agent, kind) for kind in _KINDS}
