"""HAProxy's aliases: the shape of each in a line, and its role in a request.

A field without a role is skipped. Names and meanings are those of HAProxy's manual, 8.2.6
(1.5 to 3.2); `OG` came with 3.1, `Ta` `TR` `tr` `trg` `trl` with 1.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metrics_lake.sources.haproxy.formats import shapes
from metrics_lake.sources.haproxy.formats.shapes import Shape


@dataclass(frozen=True)
class Alias:
    """An alias of HAProxy. `is_text`: `+Q` quotes it; `has_hex`: `+X` writes it in hex."""

    shape: Shape
    role: str = ""
    is_text: bool = False
    has_hex: bool = False


def _text(shape: Shape, role: str = "") -> Alias:
    return Alias(shape, role, is_text=True)


_NUMBERS = "Td TR Tr Tq Tw U ac fc bc sc rc sq bq"
_PORTS = "cp fp bp sp"

ALIASES: Mapping[str, Alias] = {
    **{name: Alias(shapes.NUMBER) for name in _NUMBERS.split()},
    **{name: Alias(shapes.NUMBER, has_hex=True) for name in _PORTS.split()},
    "pid": Alias(shapes.NUMBER, "process_number", has_hex=True),
    "lc": Alias(shapes.NUMBER, "log_counter"),
    "rt": Alias(shapes.NUMBER, "request_counter", has_hex=True),
    "ci": Alias(shapes.ADDRESS, "address", is_text=True, has_hex=True),
    **{name: Alias(shapes.ADDRESS, is_text=True, has_hex=True) for name in ("fi", "bi", "si")},
    "tr": Alias(shapes.STAMP, "request_local"),
    "trl": Alias(shapes.ZONED, "request_zoned"),
    "trg": Alias(shapes.ZONED, "request_zoned"),
    "t": Alias(shapes.STAMP, "accept_local"),
    "T": Alias(shapes.ZONED, "accept_zoned"),
    "Tl": Alias(shapes.ZONED, "accept_zoned"),
    "Ts": Alias(shapes.NUMBER, "accept_epoch", has_hex=True),
    "ms": Alias(shapes.MILLISECONDS, "accept_ms", has_hex=True),
    "Tc": Alias(shapes.NUMBER, "connect"),
    "Th": Alias(shapes.NUMBER, "handshake"),
    "Ti": Alias(shapes.NUMBER, "idle"),
    "Ta": Alias(shapes.NUMBER, "active"),
    "Tt": Alias(shapes.NUMBER, "total"),
    "Tu": Alias(shapes.NUMBER, "user_total"),
    "ST": Alias(shapes.NUMBER, "status"),
    "B": Alias(shapes.NUMBER, "size"),
    "f": _text(shapes.NAME, "frontend"),
    "ft": _text(shapes.NAME, "frontend"),
    "b": _text(shapes.NAME),
    "s": _text(shapes.NAME, "server"),
    "ts": Alias(shapes.STATE),
    "tsc": Alias(shapes.STATE),
    "CC": _text(shapes.WORD),
    "CS": _text(shapes.WORD),
    "hr": _text(shapes.GROUPS, "captures"),
    "hs": _text(shapes.GROUPS),
    "hrl": _text(shapes.QUOTED_LIST, "capture_list"),
    "hsl": _text(shapes.QUOTED_LIST),
    "r": _text(shapes.REQUEST, "request"),
    "HM": _text(shapes.URI, "method"),
    "HP": _text(shapes.URI, "uri"),
    "HPO": _text(shapes.URI, "path"),
    "HQ": _text(shapes.URI),
    "HU": _text(shapes.URI, "uri"),
    "HV": _text(shapes.URI),
    "ID": _text(shapes.WORD),
    "H": _text(shapes.WORD),
    "sslv": _text(shapes.NAME),
    "sslc": _text(shapes.NAME),
    "OG": _text(shapes.NAME, "origin"),
}
HELPFUL = ("server", "connect")  # they mark requests that reached no server; a format works without them
ELIDED = ("hr", "hs", "hrl", "hsl")  # a line has no text for them if nothing is captured
