"""`--where COLUMN=VALUE`: the value as the column's type, and the condition on rows that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

import polars as pl
import typer

from metrics_lake.cli import options
from metrics_lake.model.tables import Column

_OPTION = "--where"
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


def condition(text: str, columns: Sequence[Column]) -> pl.Expr:
    """The condition of one option. An empty value means rows that have none. Raises a usage error that names the columns."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise typer.BadParameter(f"{text!r} is no condition; write COLUMN=VALUE", param_hint=_OPTION)
    options.known(name, [column.name for column in columns], _OPTION)
    column = next(column for column in columns if column.name == name)
    if not value:
        empty = pl.col(name).is_null()
        return empty | (pl.col(name) == "") if column.type == "STRING" else empty
    if column.type not in _PARSERS:
        raise typer.BadParameter(f"{name} holds {column.type}, which can't be compared", param_hint=_OPTION)
    parse, example = _PARSERS[column.type]
    try:
        return parse(pl.col(name), value)
    except (KeyError, ValueError):
        raise typer.BadParameter(f"{name} is like {example}, not {value!r}", param_hint=_OPTION) from None


def _as(kind: Callable[[str], Any]) -> Callable[[pl.Expr, str], pl.Expr]:
    return lambda column, text: column == kind(text)


def _at(column: pl.Expr, text: str) -> pl.Expr:
    """An instant, in UTC unless the text says otherwise; of a day or a minute any instant in it."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    start = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    length = timedelta(days=1) if len(text) == len("2001-01-15") else timedelta(minutes=1)
    if start.second or start.microsecond:
        length = timedelta(seconds=1)
    return (column >= start) & (column < start + length)


_PARSERS: dict[str, tuple[Callable[[pl.Expr, str], pl.Expr], str]] = {
    "STRING": (_as(str), "text"),
    "BIGINT": (_as(int), "42"),
    "INT": (_as(int), "42"),
    "DOUBLE": (_as(float), "4.2"),
    "BOOLEAN": (_as(lambda text: _BOOLEANS[text.lower()]), "true or false"),
    "DATE": (_as(date.fromisoformat), "2026-11-22"),
    "TIMESTAMP": (_at, "2026-11-22T18:00"),
}
