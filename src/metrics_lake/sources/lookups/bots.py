"""Classifies user agents that are no listeners: bots, monitors and relays (definitions.md section 3).

The list of the package crawler-user-agents alone counts okhttp and Wget as bots, although players use them, and misses an
unknown `SomethingBot/1.0`. `bots.yaml` beside this file has the corrections, with date and reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import metadata, resources
from typing import Any

import polars as pl
import yaml
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

BOT, MONITOR = "bot", "monitor"
KINDS = (BOT, MONITOR, "relay")
_LIBRARY, _MONITORING = "http-library", "monitoring"
_LONGEST = 1024


@cache
def _text() -> str:
    """The file's whole text. Its digest is part of `bot_rules`, so even an edited comment makes a new version."""
    return resources.files(__package__).joinpath("bots.yaml").read_text(encoding="utf-8")


@cache
def _rules() -> dict[str, Any]:
    rules: dict[str, Any] = yaml.safe_load(_text())
    return rules


@cache
def rules_version() -> str:
    """The `bot_rules` of the contract: the date of our rules, the list's version, and a digest of both."""
    own, listed = _rules()["version"], metadata.version("crawler-user-agents")
    digest = hashlib.sha256(_text().encode() + repr(sorted(_listed())).encode()).hexdigest()[:8]
    return f"{own}+list-{listed}+{digest}"


@cache
def _listed() -> tuple[tuple[str, str], ...]:
    """The patterns of the list that are used, each with its kind."""
    left_out = _rules()["left_out"]
    listed = (row for row in CRAWLER_USER_AGENTS_DATA if row["pattern"] not in left_out)
    rows = [row for row in listed if _LIBRARY not in row.get("tags", ())]
    return tuple((row["pattern"], MONITOR if _MONITORING in row.get("tags", ()) else BOT) for row in rows)


def kinds(texts: Sequence[str]) -> list[str | None]:
    """`bot`, `monitor`, `relay`, or None (may be a listener) for each user agent."""
    classified = pl.DataFrame({"agent": texts}, schema={"agent": pl.String}).select(kind=_kind(_plain()))
    return classified["kind"].to_list()


def _plain() -> pl.Expr:
    """An agent without the words that only look like a bot's."""
    plain = pl.col("agent").str.slice(0, _LONGEST)
    return plain.str.replace_all("|".join(f"(?:{row['pattern']})" for row in _ignoring_case("listeners")), " ")


def _kind(plain: pl.Expr) -> pl.Expr:
    kind = pl.lit(None, dtype=pl.String)
    for row in reversed(_ignoring_case("generic")):
        kind = pl.when(plain.str.contains(row["pattern"])).then(pl.lit(row["kind"])).otherwise(kind)
    for kind_of_list in (BOT, MONITOR):
        listed = "|".join(f"(?:{pattern})" for pattern, listed_kind in _listed() if listed_kind == kind_of_list)
        kind = pl.when(plain.str.contains(listed)).then(pl.lit(kind_of_list)).otherwise(kind)
    for row in reversed(_ignoring_case("rules")):
        kind = pl.when(plain.str.contains(row["pattern"])).then(pl.lit(row["kind"])).otherwise(kind)
    return kind


def _ignoring_case(part: str) -> list[dict[str, Any]]:
    return [{**row, "pattern": f"(?i:{row['pattern']})"} for row in _rules()[part]]
