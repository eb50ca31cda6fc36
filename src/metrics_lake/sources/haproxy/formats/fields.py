"""From the tokens of a log-format to the pieces of a line: texts and fields in turn.

Quotes that HAProxy adds (`+Q`) become text, and blanks are merged as HAProxy merges them. Captures write nothing if
nothing is captured; then the blank after them is missing too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from metrics_lake.sources.haproxy.formats import aliases, shapes
from metrics_lake.sources.haproxy.formats.errors import FormatError
from metrics_lake.sources.haproxy.formats.format_tokens import Item, Text, tokens
from metrics_lake.sources.haproxy.formats.samples import meaning
from metrics_lake.sources.haproxy.formats.shapes import Shape
from metrics_lake.sources.haproxy.formats.undoing import Undo

_KEY = re.compile(r"([A-Za-z][\w.-]*)[\"']?\s*[:=]\s*[\"']?$")
_VARIABLE = re.compile(r"\$\{\w+[^}]*\}")
_WITH_BLANK = {
    shapes.GROUPS: shapes.GROUPS_AND_BLANK,
    shapes.QUOTED_GROUPS: shapes.QUOTED_GROUPS_AND_BLANK,
    shapes.QUOTED_LIST: shapes.QUOTED_LIST_AND_BLANK,
}


@dataclass(frozen=True)
class FieldLoss:
    """Why the value of a field can't be had back, and the position of the converter in the log-format."""

    problem: str
    at: int


@dataclass(frozen=True)
class Field:
    """One value of a line. `encoding` is one of plain, hex, token (a JSON value), escaped (`+E`).

    `undo` are the steps behind that which lead back to the value; a field with a `loss` can't be read.
    """

    at: int
    spelling: str
    role: str
    shape: Shape
    encoding: str = "plain"
    capture: int | None = None
    is_elided: bool = False
    is_alias: bool = True
    undo: tuple[Undo, ...] = ()
    note: str = ""
    loss: FieldLoss | None = None

    @property
    def column(self) -> str:
        """The column that it fills; empty if it isn't used."""
        return self.role or ("" if self.capture is None else f"capture_{self.capture}")


Piece = str | Field


def pieces(text: str, mapped: Mapping[str, str]) -> list[Piece]:
    """The texts and fields of a line in this log-format."""
    format_tokens = list(tokens(text))
    if any(isinstance(token, Item) and token.alias == "o" and "json" in token.flags for token in format_tokens):
        return list(_json_object([token for token in format_tokens if isinstance(token, Item)], text, mapped))
    out: list[Piece] = []
    for token in format_tokens:
        if isinstance(token, Text):
            _check_text(token, text)
            _add(out, token.text)
        elif token.alias != "o":
            for piece in _written(token, _key_before(out), text, mapped):
                _add(out, piece) if isinstance(piece, str) else out.append(piece)
    return _merged(out, text)


def _check_text(token: Text, text: str) -> None:
    if variable := _VARIABLE.search(token.text):
        raise FormatError(
            f"{variable[0]} is a variable of HAProxy's environment,", text, token.at + variable.start(),
            remedy="write what it stands for",
        )  # fmt: skip


def _add(out: list[Piece], text: str) -> None:
    if out and isinstance(out[-1], str):
        text = out.pop() + text  # type: ignore[operator]
    text = re.sub(" +", " ", text)
    text = text if out else text.lstrip(" ")
    if text:
        out.append(text)


def _key_before(out: list[Piece]) -> str:
    key_match = _KEY.search(out[-1]) if out and isinstance(out[-1], str) else None
    return key_match[1] if key_match else ""


def _json_object(items: list[Item], text: str, mapped: Mapping[str, str]) -> Iterable[Piece]:
    """`{"name": value, …}`, as HAProxy ≥ 3.0 writes it: items without a name are omitted."""
    named = [item for item in items if item.alias != "o" and item.name]
    for number, item in enumerate(named):
        yield f', "{item.name}": ' if number else f'{{"{item.name}": '
        yield _field(item, item.name, text, mapped)
    if named:
        yield "}"


def _written(item: Item, key: str, text: str, mapped: Mapping[str, str]) -> Iterable[Piece]:
    """The field of an item, with the quotes that `+Q` adds."""
    field = _field(item, item.name or key, text, mapped)
    known = aliases.ALIASES.get(item.alias)
    is_quoted = "Q" in item.flags and (known is None or known.is_text) and field.encoding not in ("token", "hex")
    if not is_quoted or field.is_elided:
        if field.is_elided and "Q" in item.flags and field.shape is shapes.GROUPS:
            field = replace(field, shape=shapes.QUOTED_GROUPS)
        if item.alias in ("hrl", "hsl") and "Q" not in item.flags:
            raise FormatError(
                f"{item.spelling} without quotes has no ends", text, item.at, remedy=f"%{{+Q}}{item.alias}"
            )
        return (field,)
    return ('"', replace(field, shape=field.shape.within_quotes()), '"')


def _field(item: Item, name: str, text: str, mapped: Mapping[str, str]) -> Field:
    if "cbor" in item.flags:
        raise FormatError("CBOR lines can't be read", text, item.at, remedy="use %{+json}o")
    field = _sample(item, name, mapped) if item.sample else _alias(item, text)
    if "json" in item.flags:
        return replace(field, shape=shapes.ESCAPED, encoding="token", is_elided=False)
    if "E" in item.flags and field.encoding == "plain" and field.shape.is_open:
        return replace(field, shape=shapes.ESCAPED, encoding="escaped")
    return field


def _alias(item: Item, text: str) -> Field:
    known = aliases.ALIASES.get(item.alias)
    if known is None:
        raise FormatError(f"unknown alias %{item.alias}", text, item.at, remedy=_alias_hint(item.alias))
    is_hex = known.has_hex and "X" in item.flags
    shape = (shapes.HEX if known.role != "address" else shapes.ADDRESS) if is_hex else known.shape
    elided = item.alias in aliases.ELIDED
    return Field(item.at, item.spelling, known.role, shape, "hex" if is_hex else "plain", is_elided=elided)


def _alias_hint(alias: str) -> str:
    shorter = next((alias[:size] for size in range(len(alias) - 1, 0, -1) if alias[:size] in aliases.ALIASES), "")
    hint = f"letters that follow %{shorter} are taken for part of its name" if shorter else "HAProxy knows it neither"
    return hint


def _sample(item: Item, name: str, mapped: Mapping[str, str]) -> Field:
    sample = meaning(item.sample, name, mapped)
    loss = None
    if sample.loss is not None:
        call = sample.loss.call
        loss = FieldLoss(f"the converter {call.name or '?'} {sample.loss.why}", item.sample_at + call.at)
    return Field(
        item.at, item.spelling, sample.role, sample.shape, capture=sample.capture, is_alias=False,
        undo=sample.undo, note=sample.note, loss=loss,
    )  # fmt: skip


def _merged(out: list[Piece], text: str) -> list[Piece]:
    """Merges adjacent captures into one field, and adds the blank after it where HAProxy omits the blank with them."""
    merged: list[Piece] = []
    for number, piece in enumerate(out):
        before = merged[-1] if merged else None
        after = out[number + 1] if number + 1 < len(out) else None
        if not (isinstance(before, Field) and before.is_elided):
            merged.append(piece)
            continue
        _check(before, piece, text)
        if isinstance(piece, Field) and piece.is_elided:
            merged[-1] = replace(before, role=before.role or piece.role)
        elif piece == " " and isinstance(after, Field) and after.is_elided:
            continue
        elif isinstance(piece, str) and piece.startswith(" ") and _may_be_missing(merged):
            merged[-1] = replace(before, shape=_WITH_BLANK.get(before.shape, before.shape))
            merged += [piece[1:]] if piece[1:] else []
        else:
            merged.append(piece)
    return merged


def _check(captures: Field, behind: Piece, text: str) -> None:
    """Raises FormatError if the end of captures, whose number varies, can't be detected."""
    if isinstance(behind, Field) and behind.is_elided and behind.shape is not captures.shape:
        raise FormatError(f"{captures.spelling} and {behind.spelling} can't stand together", text, behind.at)
    is_quote = isinstance(behind, str) and behind.lstrip(" ").startswith('"')
    if is_quote and captures.shape is shapes.QUOTED_LIST:
        problem = f"how many {captures.spelling} writes varies, and more quotes follow,"
        raise FormatError(problem, text, captures.at, remedy="put it last, or use %hr")


def _may_be_missing(merged: list[Piece]) -> bool:
    """Whether the blank after captures may be missing with them: only if a blank or nothing is before them."""
    return len(merged) < 2 or str(merged[-2]).endswith(" ")
