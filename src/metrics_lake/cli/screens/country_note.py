"""What a run and the doctor say where no country file is set up: what that loses, and how to have one."""

from __future__ import annotations

from rich.console import Console

from metrics_lake.config.settings import Settings

COUNTRIES_MISSING = "countries: not set up, so where listeners are stays unknown"
COUNTRIES_REMEDY = "metrics-lake fetch places"


def write(settings: Settings, console: Console) -> None:
    """One line where listeners have no countries; nothing where they have."""
    if not settings.places.in_use.country_file:
        console.print(
            f"{COUNTRIES_MISSING}; `{COUNTRIES_REMEDY}` brings a free file",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
