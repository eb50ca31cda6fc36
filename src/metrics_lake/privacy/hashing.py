"""Turns addresses into listener ids: keyed one-way hashes (definitions.md section 8).

HMAC-SHA256, of which 128 bits are kept, under a key that HKDF derives from the deployment's secret for one tenant and
one epoch. `masked` removes addresses from lines that can't be parsed; redaction.py from names of files and machines.
docs/privacy.md lists the code that has a key or sees an address.
"""

from __future__ import annotations

import hmac
import ipaddress
from datetime import datetime, timezone
from functools import lru_cache

import polars as pl

from metrics_lake.privacy.redaction import Names
from metrics_lake.privacy.salts import Salts, derived

ID_BYTES = 16
_EPOCH_FORMATS = {"never": "", "yearly": "%Y", "monthly": "%Y-%m", "daily": "%Y-%m-%d"}
ROTATIONS = tuple(_EPOCH_FORMATS)
_KEPT_CHARACTERS = 512
_READ_CHARACTERS = 4 * _KEPT_CHARACTERS
_LAST_WORD = r"\S{0,100}$"  # of a line that is cut: it may be half an address, which no pattern knows

# Rust's regex engine, so each takes linear time whatever the line. Order matters: what hides digits goes first.
_MASKS = (
    (r"\x1b\[[0-?]*[ -/]*[@-~]", "�"),
    (r'\?[^\s"]*', "?<query>"),
    (r'([\w.-]+)=(?:"[^"]*"|[^\s;|}]+)', "${1}=<masked>"),
    (r"\S*(?:%|#|\\x|\\u)[0-9A-Fa-f]{2}\S*", "<escaped>"),
    (r"[0-9A-Fa-f:]*::[0-9A-Fa-f:.]*(?:%\w+)?", "<address>"),
    (r"(?:[0-9A-Fa-f]{1,4}:){4,}[0-9A-Fa-f:.]+", "<address>"),
    (r"\d{1,3}(?:[^A-Za-z0-9\s/:]{1,3}\d{1,3}){3,}", "<address>"),
    (r"(^|[^0-9A-Za-z])[0-9A-Fa-f]{2}(?:(?:-[0-9A-Fa-f]{2}){3,}|(?::[0-9A-Fa-f]{2}){3,})", "${1}<address>"),
    (r"0[xX][0-9A-Fa-f]{6,}|[0-9A-Fa-f]{8,}", "<number>"),
)


def epoch_of(instant: datetime, rotation: str) -> str:
    """The name of the time span (UTC) of one key; empty where keys never change."""
    return instant.astimezone(timezone.utc).strftime(_EPOCH_FORMATS[rotation])


def derive_key(secret: bytes, tenant: str, epoch: str, salt: bytes | None = None) -> bytes:
    """The key of one tenant and epoch: HKDF-SHA256 (RFC 5869), 32 bytes; without its salt (salts.py) nobody can derive it."""
    return derived(secret, f"metrics_lake/listener/{tenant}/{epoch}", 32, salt)


def line_seed(secret: bytes) -> int:
    """The 64-bit seed under which lines are fingerprinted, so that nobody without the secret can test a fingerprint."""
    return int.from_bytes(derived(secret, "metrics_lake/line", 8), "big")


def check_value(secret: bytes) -> str:
    """32 hex digits by which a secret is known again and that lead back to nothing: HMAC of a fixed text under a key of it."""
    key = derived(secret, "metrics_lake/check", 32)
    return hmac.digest(key, b"the secret of a lake", "sha256")[:16].hex()


@lru_cache(maxsize=1 << 17)
def canonical(address: str) -> str | None:
    """One spelling for each client: IPv4 as it is, mapped IPv6 as IPv4, other IPv6 as its /64; None if it is no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(parsed) >> 64 << 64))


def listener_id(key: bytes, address: str, agent: str) -> str:
    """32 hex digits for a canonical address and an agent; the agent is empty without one, and with `identity: ip`."""
    return hmac.digest(key, f"{address}\n{agent}".encode(), "sha256")[:ID_BYTES].hex()


class Hasher:
    """Turns (tenant, epoch, address, agent) into listener ids. Lives in a worker; holds keys, so it can't be pickled."""

    def __init__(self, secret: bytes, salts: Salts | None = None) -> None:
        self._secret, self._salts = secret, salts or Salts()
        self._key = lru_cache(maxsize=1024)(
            lambda tenant, epoch: derive_key(secret, tenant, epoch, self._salts.salt(tenant, epoch))
        )
        self.listener = lru_cache(maxsize=1 << 16)(self._listener_of)  # the same people come in every chunk

    @property
    def names(self) -> Names:
        """What marks addresses in names of files and machines, under a key of the same secret."""
        return Names(self._secret)

    def __repr__(self) -> str:
        return "Hasher(…)"

    def __reduce__(self) -> str:
        raise TypeError("a Hasher holds keys and stays in its process")

    def is_destroyed(self, tenant: str, epoch: str) -> bool:
        """Whether this epoch's key was destroyed: no address can be hashed under it any more."""
        return self._salts.is_destroyed(tenant, epoch)

    @property
    def line_seed(self) -> int:
        return line_seed(self._secret)

    def _listener_of(self, tenant: str, epoch: str, address: str, agent: str) -> str:
        return listener_id(self._key(tenant, epoch), canonical(address) or address, agent)

    def lasting(self, tenant: str, epoch: str, lasting_id: str, kind: str | None = None) -> str:
        """A client's own lasting id, hashed likewise: it too could name a device. What it is hashed with keeps older ids.

        `kind`: bot, monitor or relay by its agent. Such a client with a listener's lasting id is a listener of its own.
        """
        return listener_id(self._key(tenant, epoch), f"playback {kind}" if kind else "playback", lasting_id)


def masked(text: pl.Expr) -> pl.Expr:
    """A line that couldn't be parsed, with every address, cookie and query string replaced by a mark, cut to 512 characters."""
    whole = text.str.slice(0, _READ_CHARACTERS)
    shown = pl.when(text.str.len_chars() > _READ_CHARACTERS).then(whole.str.replace(_LAST_WORD, "")).otherwise(whole)
    for pattern, mark in _MASKS:
        shown = shown.str.replace_all(pattern, mark)
    return shown.str.replace_all(r"[\x00-\x08\x0b-\x1f\x7f]", "�").str.slice(0, _KEPT_CHARACTERS)
