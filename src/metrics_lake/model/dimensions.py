"""What is known of a listener beside who they are, and which of it figures are divided by.

A new dimension is a `Trait`, a `Dimension`, and the code of its source that fills the column. All else follows: the columns of
bronze.visits and silver.sessions, how the runs of one session choose a value, what gold groups by and what a rollup may hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Pick(Enum):
    """Whose value a session takes where its requests differ."""

    FIRST = "of its first request"
    AGENT = "of the first request that names its user agent"
    REFERRER = "of the first request that names a referrer"


@dataclass(frozen=True)
class Trait:
    """A text that each visit has, and from its visits the session. `of_visit` is its meaning there, where it differs."""

    column: str
    pick: Pick
    meaning: str
    of_visit: str = ""


@dataclass(frozen=True)
class Dimension:
    """A question that listening is divided by. `column` is that of silver.sessions which answers it, `unknown` stands for null.

    Where `is_folded`, values with too few listeners are shown together as one.
    """

    name: str
    column: str
    unknown: str
    is_folded: bool
    meaning: str


TRAITS = (
    Trait(
        "player", Pick.AGENT, "Family of the player or browser",
        of_visit="Family of the player or browser; unknown, as os and device, where has_agent is null",
    ),
    Trait("player_version", Pick.AGENT, "Its major version"),
    Trait("os", Pick.AGENT, "Operating system family"),
    Trait(
        "device", Pick.AGENT, "Device class",
        of_visit="Device class: mobile, tablet, desktop, speaker, tv, car, server or other",
    ),
    Trait("country", Pick.FIRST, "ISO 3166 country of the address"),
    Trait("region", Pick.FIRST, "ISO 3166-2 region of the address"),
    Trait("network", Pick.FIRST, "Kind of network: hosting or access"),
    Trait(
        "source", Pick.REFERRER,
        "Where the listener came from: host of the first referrer, or the app; direct where none was told",
        of_visit="Host of the referrer, or the name of the app; direct where none was told",
    ),
    Trait("source_group", Pick.REFERRER, "direct, search, social, own site, app or other"),
)  # fmt: skip

DIMENSIONS = (  # in the order of the rollup
    Dimension("source", "source", "direct", True, "Where the listener came from"),
    Dimension("player", "player", "other", True, "Player or browser"),
    Dimension("os", "os", "other", True, "Operating system"),
    Dimension("device", "device", "other", True, "Device class"),
    Dimension("country", "country", "unknown", True, "Country of the address"),
    Dimension("region", "region", "unknown", True, "Region of the address"),
    Dimension("stream", "stream", "other", False, "Stream of the tenant; each has a document of its own"),
)
NAMES = tuple(dimension.name for dimension in DIMENSIONS)
COLUMN = f"""dimension STRING NOT NULL COMMENT '{", ".join(NAMES[:-1])} or {NAMES[-1]}'
    dimension_value STRING NOT NULL COMMENT 'Value of the dimension'"""


def columns(*picks: Pick) -> tuple[str, ...]:
    """The columns of the traits with one of these picks; of none, all."""
    return tuple(trait.column for trait in TRAITS if not picks or trait.pick in picks)


def visit_columns() -> str:
    """The traits as columns of bronze.visits, for a table's declaration."""
    return "\n".join(f"{trait.column} STRING COMMENT '{trait.of_visit or trait.meaning}'" for trait in TRAITS)


def session_columns() -> str:
    """The traits as columns of silver.sessions, for a table's declaration."""
    return "\n".join(f"{trait.column} STRING COMMENT '{trait.meaning}'" for trait in TRAITS)
