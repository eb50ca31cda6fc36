"""The files that tell where an address is."""

from __future__ import annotations

from pathlib import Path

from metrics_lake.config.paths import LocalPath
from metrics_lake.config.tenants import Strict

FETCHED_COUNTRIES = "country.mmdb"


class Places(Strict):
    country_file: LocalPath = (
        ""  # MaxMind format (.mmdb) with countries, and regions if it has them; empty: the fetched one
    )
    network_file: LocalPath = ""  # the same with networks (ASN), to tell hosting from access
    folder: LocalPath = "data/places"  # where `fetch places` puts the country file

    @property
    def in_use(self) -> Places:
        """These places with the country file that is read: the one that is named, else the fetched one, if it is there."""
        fetched = Path(self.folder) / FETCHED_COUNTRIES
        if self.country_file or not fetched.is_file():
            return self
        return self.model_copy(update={"country_file": str(fetched)})
