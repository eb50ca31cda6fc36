"""The free country file as npm really brings it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from metrics_lake.fetch import country_file
from metrics_lake.sources.lookups import geo

pytestmark = pytest.mark.stack


def test_npm_brings_a_country_file_that_knows_countries_of_both_kinds_of_addresses(tmp_path):
    package = country_file.from_npm()
    assert package.version and package.licence == "CC0-1.0" and "NRO_LICENSE" in package.notices
    file = country_file.install(package, tmp_path, datetime(2001, 1, 15, tzinfo=timezone.utc))
    places = geo.GeoFiles(str(file.path)).describe(["196.207.40.1", "2001:4200::1", "192.0.2.1"])
    assert places["country"].to_list() == ["ZA", "ZA", None]
