"""The role of a sample expression such as `%[var(txn.ua),json(utf8s)]`, from its fetch or from its name.

A fetch with one meaning (`src`, `method`) has a fixed role. A fetch of any value (`var`, a captured header) gets its role
from the name beside it in the line (`ua=…`, `"ua":"…"`, `%(ua)[…]`), else from its argument (`txn.ua`,
`req.hdr(user-agent)`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from metrics_lake.sources.haproxy.formats import shapes
from metrics_lake.sources.haproxy.formats.converters import Loss, converted
from metrics_lake.sources.haproxy.formats.sample_calls import calls
from metrics_lake.sources.haproxy.formats.shapes import Shape
from metrics_lake.sources.haproxy.formats.undoing import Undo

_NAMES: Mapping[str, str] = {
    "host": "host http_host vhost authority",
    "referer": "ref referer referrer http_referer",
    "user_agent": "ua agent user_agent useragent http_user_agent",
    "x_forwarded_for": "xff x_forwarded_for forwarded_for",
    "address": "ip client_ip clientip client addr address remote_addr real_ip src",
    "method": "method verb",
    "uri": "uri url path request_uri",
    "sni": "sni",
}
NAMED: Mapping[str, str] = {name: role for role, names in _NAMES.items() for name in names.split()}
_ONE_MEANING: Mapping[str, tuple[str, Shape]] = {
    "src": ("address", shapes.ADDRESS),
    "fc_src": ("address", shapes.ADDRESS),
    "method": ("method", shapes.WORD),
    "capture.req.method": ("method", shapes.WORD),
    "capture.req.uri": ("uri", shapes.URI),
    "url": ("uri", shapes.URI),
    "pathq": ("uri", shapes.URI),
    "path": ("path", shapes.URI),
    "status": ("status", shapes.WORD),
    "txn.status": ("status", shapes.WORD),
    "fe_name": ("frontend", shapes.NAME),
    "ssl_fc_sni": ("sni", shapes.NAME),
    "request_date": ("request_epoch", shapes.NUMBER),
    "accept_date": ("accept_epoch", shapes.NUMBER),
    "txn.timer.total": ("active", shapes.NUMBER),
    "txn.timer.user": ("user_total", shapes.NUMBER),
    "fc.timer.total": ("total", shapes.NUMBER),
    "fc.timer.handshake": ("handshake", shapes.NUMBER),
    "req.timer.idle": ("idle", shapes.NUMBER),
    "bc.timer.connect": ("connect", shapes.NUMBER),
    "bytes_out": ("size", shapes.WORD),
    "res.bytes_in": ("size", shapes.WORD),
}
_ANYTHING = ("var", "hdr", "req.hdr", "req.fhdr", "req.hdr_ip", "hdr_ip", "capture.req.hdr", "url_param", "urlp")
_TOKENS = (
    "hex", "base64", "ub64enc", "length", "hmac", "digest", "sha1", "sha2", "xxh32", "xxh64", "xxh3", "crc32", "djb2",
    "sdbm", "wt6",
)  # fmt: skip
_CUT = "has only what stands behind the last comma of the header; req.fhdr has all of it"
_WITH_BLANKS = ("user_agent", "referer", "x_forwarded_for")


@dataclass(frozen=True)
class Meaning:
    """A sample's role and shape; `capture` is the number of a captured header that has no name.

    `undo` are the steps from what stands in a line back to the value, `note` says what is cut off it all the same, and `loss`
    is the converter that makes it impossible.
    """

    role: str
    shape: Shape
    capture: int | None = None
    undo: tuple[Undo, ...] = ()
    note: str = ""
    loss: Loss | None = None


def meaning(sample: str, name: str, mapped: Mapping[str, str]) -> Meaning:
    """The meaning of a sample expression. `name` is the name beside it, `mapped` comes from the settings (sample → role)."""
    parts = calls(sample)
    names = [part.name for part in parts[1:]]
    fetch, argument = parts[0].name, (*parts[0].arguments, "")[0]
    role, shape, capture = _fetched(fetch, argument, name)
    configured_role = mapped.get(sample) or mapped.get(sample.partition(",")[0])
    if configured_role:
        role, capture = ("" if configured_role in ("other", "playback_id") else configured_role), None
    if not role and capture is None:
        return Meaning(role, _unread(shape, names))
    try:
        value = converted(role, shape, parts)
    except Loss as loss:
        is_meant = bool(mapped.get(sample)) and bool(role)  # the settings name the expression with its converters
        return Meaning(role, _unread(shape, names), capture, loss=None if is_meant else loss)
    note = value.note or (_CUT if role in ("user_agent", "referer") and fetch in ("hdr", "req.hdr") else "")
    return Meaning(value.role, value.shape, capture, value.undo, note)


def _fetched(fetch: str, argument: str, name: str) -> tuple[str, Shape, int | None]:
    if fetch in _ONE_MEANING:
        return *_ONE_MEANING[fetch], None
    if fetch not in _ANYTHING:
        return "", shapes.WORD, None
    first = argument.partition(",")[0]
    own = first.rpartition(".")[2] if fetch == "var" else first
    role = NAMED.get(_plain(name)) or (NAMED.get(_plain(own), "") if fetch != "capture.req.hdr" else "")
    if fetch == "capture.req.hdr" and not role and argument.isdigit():
        return "", shapes.TEXT, int(argument)
    return role, shapes.TEXT if role in _WITH_BLANKS else shapes.WORD, None


def _unread(shape: Shape, converters: list[str]) -> Shape:
    """The shape after converters that needn't be undone."""
    if "json" in converters:
        return shapes.ESCAPED
    if set(converters) & set(_TOKENS):
        return shapes.TOKEN
    if not converters:
        return shape
    return shapes.TEXT if any(converter.endswith("time") for converter in converters) else shapes.WORD


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
