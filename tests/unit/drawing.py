"""Tests drawn as tables: a header line, then one line a row, columns apart by `|`."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import yaml


def rows(text: str) -> list[dict[str, Any]]:
    """The rows of a drawn table; an empty cell is None, and instants without a zone are UTC."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    header, *body = lines
    return [dict(zip(header, map(value, line), strict=True)) for line in body]


def value(cell: str) -> Any:
    found = yaml.safe_load(cell) if cell else None
    return found.replace(tzinfo=found.tzinfo or timezone.utc) if isinstance(found, datetime) else found


def utc(text: str) -> datetime:
    """An instant such as `2001-01-15 19:00`, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def day(text: str) -> date:
    return date.fromisoformat(text)
