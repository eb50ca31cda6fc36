"""Whether HAProxy's logs can be read under these settings: log formats and the files that places are looked up in."""

from __future__ import annotations

from metrics_lake.config.settings import Settings
from metrics_lake.sources.haproxy import formats
from metrics_lake.sources.lookups import geo


def check_settings(settings: Settings) -> None:
    """Raises the error of the first format or file that can't be used."""
    formats.bound(settings.haproxy)
    places = settings.places.in_use
    geo.open_files(places.country_file, places.network_file)
