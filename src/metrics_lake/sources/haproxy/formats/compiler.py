"""A log-format string from haproxy.cfg, compiled to the steps that read its lines."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from metrics_lake.sources.haproxy.formats.aliases import HELPFUL
from metrics_lake.sources.haproxy.formats.errors import FormatError
from metrics_lake.sources.haproxy.formats.fields import Field, Piece, pieces
from metrics_lake.sources.haproxy.formats.quoting import unquoted
from metrics_lake.sources.haproxy.formats.split_plan import Step, steps

INSTANTS = (
    "request_epoch", "request_zoned", "request_local", "accept_epoch", "accept_zoned", "accept_local",
)  # fmt: skip
LENGTHS = ("active", "user_total", "total")  # the best first: the others include the idle time before the request
# Only in HTTP mode: a format with none of them logs TCP connections.
_REQUESTS = (
    "request", "uri", "path", "method", "status", "request_epoch", "request_zoned", "request_local", "active", "idle",
)  # fmt: skip
# Columns of which each tells the same: a field that lost its value is done without where another has it.
_SAME = (INSTANTS, LENGTHS, ("uri", "path", "request"), ("method", "request"))
_ALIAS = {
    "address": "%ci", "method": "%HM", "uri": "%HU", "path": "%HPO", "status": "%ST", "size": "%B", "active": "%Ta",
    "user_total": "%Tu", "total": "%Tt", "request_epoch": "%tr", "accept_epoch": "%t", "frontend": "%ft",
}  # fmt: skip
_MAY_LACK = (*HELPFUL, "handshake", "idle")
_EXPECTED = {
    "duration": (LENGTHS, "%Ta", "sessions have no length"),
    "status": (("status",), "%ST", "no request is known to have been answered"),
    "method": (("method", "request"), "%HM or %{+Q}r", "no request is known to be a GET"),
    "path": (("uri", "path", "request"), "%HP or %{+Q}r", "streams can be matched by frontend and host alone"),
    "frontend": (("frontend",), "%ft", "streams can be matched by host and path alone"),
    "user agent": (("user_agent", "captures", "capture_list"), "a captured User-Agent", "all listeners behind one address are one"),
}  # fmt: skip


@dataclass(frozen=True)
class Format:
    """A compiled log-format: the text at the start of its lines, the steps that split them, and the fields that it lacks."""

    name: str
    text: str
    start: str
    steps: tuple[Step, ...]
    fields: tuple[Field, ...]
    lacks: tuple[str, ...]
    notes: tuple[str, ...] = ()  # what fetches and converters cut off the values of fields

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(field.column for field in self.fields)

    @property
    def is_tcp(self) -> bool:
        """Whether it logs TCP connections: it has no field of a request."""
        return not self.columns & set(_REQUESTS)


def compiled(text: str, *, mapped: Mapping[str, str] | None = None, name: str = "") -> Format:
    """Compiles a log-format as written in haproxy.cfg, with or without `log-format`, quotes and escapes.

    `mapped` gives the role of sample expressions whose name doesn't show it. FormatError shows the position of the
    problem: an unknown alias, fields that can't be separated, no address, no instant, a converter that loses a value.
    """
    plain = unquoted(text)
    format_pieces = _without_duplicates(_without_losses(pieces(plain, mapped or {}), plain))
    _check(_used_fields(format_pieces), plain)
    format_pieces, (start, plan) = _plan(format_pieces, plain)
    fields = _used_fields(format_pieces)
    notes = tuple(f"{field.spelling}: {field.note}" for field in fields if field.note)
    return Format(name or "log-format", plain, start, plan, fields, tuple(_missing(fields)), notes)


def _used_fields(format_pieces: list[Piece]) -> tuple[Field, ...]:
    return tuple(piece for piece in format_pieces if isinstance(piece, Field) and piece.column)


def _plan(format_pieces: list[Piece], text: str) -> tuple[list[Piece], tuple[str, tuple[Step, ...]]]:
    """The pieces with the plan that splits them. Fields of HELPFUL are skipped if they can't be separated."""
    with suppress(FormatError):
        return format_pieces, steps(format_pieces, text)
    needed = [
        _unused(piece) if isinstance(piece, Field) and piece.role in HELPFUL else piece for piece in format_pieces
    ]
    return needed, steps(needed, text)


def _unused(field: Field) -> Field:
    """The same field, to be skipped."""
    return replace(field, role="", capture=None, undo=(), loss=None)


def _without_losses(format_pieces: list[Piece], text: str) -> list[Piece]:
    """Skips fields of which a converter lost the value, where another field tells it or none is needed; else FormatError."""
    whole = {piece.column for piece in format_pieces if isinstance(piece, Field) and piece.loss is None}
    out = list[Piece]()
    for piece in format_pieces:
        if isinstance(piece, Field) and piece.loss is not None:
            same = {piece.column}.union(*(names for names in _SAME if piece.role in names))
            if not (whole & same or piece.role in _MAY_LACK):
                raise FormatError(piece.loss.problem, text, piece.loss.at, remedy=_remedy(piece))
            piece = _unused(piece)  # noqa: PLW2901
        out.append(piece)
    return out


def _remedy(field: Field) -> str:
    expression = field.spelling[2:-1]
    as_it_is = f"log it as it is: %[{expression.partition(',')[0]}]"
    if field.role in _ALIAS:
        as_it_is = f"log {_ALIAS[field.role]}"
    is_number = field.role in (*INSTANTS, *LENGTHS, "status", "size")
    meant = "" if is_number else {"path": "uri"}.get(field.role, field.role)
    without = f', or do without it: haproxy.samples: {{"{expression}": other}}'
    accepted = f", or {meant} to take what it writes for the {meant.replace('_', ' ')}" if meant else ""
    return f"{as_it_is}{without}{accepted}"


def _without_duplicates(format_pieces: list[Piece]) -> list[Piece]:
    """Keeps the first field of each role, and the best of several durations; skips the others."""
    columns = {piece.column for piece in format_pieces if isinstance(piece, Field)}
    lengths = [name for name in LENGTHS if name in columns]
    seen, out = set(lengths[1:]), list[Piece]()
    for piece in format_pieces:
        if isinstance(piece, Field) and piece.column:
            if piece.column in seen:
                piece = _unused(piece)  # noqa: PLW2901
            seen.add(piece.column)
        out.append(piece)
    return out


def _check(fields: tuple[Field, ...], text: str) -> None:
    columns = {field.column for field in fields}
    if "address" not in columns:
        raise FormatError(
            "no address: nothing says who asked,", text, len(text),
            remedy="log %ci, or a hash of it such as %[src,hmac(sha256,…),hex]",
        )  # fmt: skip
    if not columns & set(INSTANTS):
        raise FormatError("no instant: nothing says when,", text, len(text), remedy="log %tr (or %Ts.%ms, or %t)")


def _missing(fields: tuple[Field, ...]) -> list[str]:
    columns = {field.column.partition("_")[0] if field.capture is not None else field.column for field in fields}
    columns |= {"user_agent"} if "capture" in columns else set()
    lacks = {
        name: f"no {name}: {harm}; log {remedy}"
        for name, (columns_that_do, remedy, harm) in _EXPECTED.items()
        if not columns & set(columns_that_do)
    }
    if not columns & set(_REQUESTS):  # lines of connections lack all that a request has
        lacks = {name: text for name, text in lacks.items() if name == "duration"}
    return list(lacks.values())
