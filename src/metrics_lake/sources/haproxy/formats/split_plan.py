"""Plans how a line is split into its fields: a list of steps, each of which removes the first part of the rest.

A field ends at the text after it if that text can't be part of the field, so most steps search a fixed string. If the
characters of adjacent fields overlap (`%ci:%cp`), a regular expression matches them together. If they can't be
separated, the log-format is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from metrics_lake.sources.haproxy.formats.errors import FormatError
from metrics_lake.sources.haproxy.formats.fields import Field, Piece


@dataclass(frozen=True)
class Cut:
    """A field (or several unused ones) up to the first `until`; an empty `until` takes the whole rest."""

    field: Field | None
    until: str


@dataclass(frozen=True)
class Match:
    """`pattern` matches several fields at once: in the whole rest, or in the part before the first `until`."""

    fields: tuple[Field, ...]
    pattern: str
    until: str
    is_word: bool = False  # it can't contain a blank

    @property
    def goes_on(self) -> bool:
        """Whether the pattern leaves a rest of the line to the next steps."""
        return "(?P<rest>" in self.pattern


@dataclass(frozen=True)
class Tail:
    """The last field; `suffix` ends the line."""

    field: Field
    suffix: str


Step = Cut | Match | Tail
_Pair = tuple[Field, str]


def steps(pieces: list[Piece], text: str) -> tuple[str, tuple[Step, ...]]:
    """The text at the start of a line, and the steps after it. Raises FormatError if fields can't be separated."""
    start = pieces[0] if pieces and isinstance(pieces[0], str) else ""
    pairs = _pairs(pieces[1:] if start else pieces)
    plan: list[Step] = []
    while pairs:
        field, literal = pairs[0]
        if len(pairs) == 1:
            plan.append(Tail(field, literal.rstrip(" ")))
            pairs = []
        elif _ends_at(field, literal):
            plan.append(Cut(field, literal))
            pairs = pairs[1:]
        elif field.shape.exact:
            plan.append(Match((field,), f"^({field.shape.exact}){re.escape(literal)}(?P<rest>(?s:.*))$", ""))
            pairs = pairs[1:]
        else:
            group, pairs = _group(pairs, text)
            plan.append(group)
    return start, tuple(_join_unused(plan))


def _pairs(pieces: list[Piece]) -> list[_Pair]:
    """Each field with the text after it."""
    pairs: list[_Pair] = []
    for piece in pieces:
        if isinstance(piece, Field):
            pairs.append((piece, ""))
        else:
            pairs[-1] = (pairs[-1][0], piece)
    return pairs


def _ends_at(field: Field, literal: str) -> bool:
    """Whether the first `literal` ends the field; in free text a distinctive one does."""
    return bool(literal) and (
        field.shape.ends_before(literal) or (field.shape.is_open and _is_distinctive(field, literal))
    )


def _is_distinctive(field: Field, literal: str) -> bool:
    return not field.shape.is_escaped and len(literal) > 1 and bool(literal.strip())


def _group(pairs: list[_Pair], text: str) -> tuple[Match, list[_Pair]]:
    """Fields that only a pattern can separate, up to a text that none of them can contain."""
    members: list[_Pair] = []
    characters: frozenset[str] = frozenset()
    while pairs:
        (field, literal), pairs = pairs[0], pairs[1:]
        if members:
            _check_separable(members[-1], field, text)
        members.append((field, literal))
        characters |= field.shape.characters
        outside = any(char not in characters for char in literal)
        is_new = not any(literal in before for _, before in members[:-1])
        if literal and (outside or (field.shape.is_open and _is_distinctive(field, literal) and is_new)):
            break
        characters |= frozenset(literal)
    inner = ""
    for (field, literal), (following, _) in zip(members, members[1:], strict=False):
        inner += f"({field.shape.pattern(shortest=following.is_elided)}){re.escape(literal)}"
    last, until = members[-1]
    suffix = "" if pairs else f"{re.escape(until.rstrip(' '))} *"
    pattern = f"^{inner}({last.shape.pattern()}){suffix}$"
    is_word = " " not in characters
    return Match(tuple(field for field, _ in members), pattern, until if pairs else "", is_word), pairs


def _check_separable(before: _Pair, field: Field, text: str) -> None:
    """Raises FormatError unless the text between two fields ends the left one or can't begin the right one.

    Two unused fields needn't be separated.
    """
    first, literal = before
    runs_on = field.is_elided and not literal and "{" in first.shape.characters
    if first.shape.exact or (field.shape.exact and not runs_on) or not (first.column or field.column):
        return
    if literal and (first.shape.ends_before(literal) or field.shape.ends_before(literal)):
        return
    between = f"only {literal!r}" if literal else "nothing"
    raise FormatError(
        f"{first.spelling} and {field.spelling} can't be told apart: {between} stands between them,", text, field.at,
        remedy=f"quote them: {_quoted(first)} {_quoted(field)}",
    )  # fmt: skip


def _quoted(field: Field) -> str:
    return "%{+Q}" + field.spelling[1:]


def _join_unused(plan: list[Step]) -> list[Step]:
    """Joins steps of unused fields, if the next text can't be part of these fields."""
    shortened: list[Step] = []
    skipped: list[_Pair] = []
    for step in plan:
        unused = _unused(step)
        if unused is None:
            shortened.append(step)
            skipped = []
            continue
        if skipped and all(_can_skip(before, unused[1]) for before in skipped):
            shortened.pop()
        else:
            skipped = []
        shortened.append(Cut(None, unused[1]))
        skipped.append(unused)
    while shortened and not any(field.column for field in fields_of(shortened[-1])):
        shortened.pop()
    return shortened


def fields_of(step: Step) -> tuple[Field, ...]:
    """The fields of a step."""
    if isinstance(step, Match):
        return step.fields
    return (step.field,) if step.field is not None else ()


def _unused(step: Step) -> _Pair | None:
    """An unused field with the text after it, if the field can't contain the first character of that text."""
    if not isinstance(step, Cut) or step.field is None or step.field.column:
        return None
    return None if step.until[0] in step.field.shape.characters else (step.field, step.until)


def _can_skip(skipped: _Pair, text: str) -> bool:
    """Whether `text` can begin neither in a skipped field nor in the text after that field."""
    field, before = skipped
    overlaps = any(before[at:].startswith(text) or text.startswith(before[at:]) for at in range(len(before)))
    return text[0] not in field.shape.characters and not overlaps
