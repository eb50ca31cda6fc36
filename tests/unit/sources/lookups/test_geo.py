"""Country, region, kind of network and a tenant's own networks, from addresses that are not stored."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path

import pytest

from metrics_lake.sources.lookups import geo

_SPEC = importlib.util.spec_from_file_location("mmdb", Path(__file__).parents[1] / "mmdb.py")
assert _SPEC and _SPEC.loader
mmdb = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(mmdb)

MAXMIND = {"country": {"iso_code": "ZA", "names": {"en": "South Africa"}}, "subdivisions": [{"iso_code": "WC"}]}


@pytest.fixture
def country_file(tmp_path):
    records = {
        "198.51.100.0/24": MAXMIND,
        "203.0.113.0/25": {"country_code": "na"},  # ip-location-db
        "203.0.113.128/25": {"country": "BW", "region": "South East"},  # IPinfo
        "192.0.2.0/24": {"registered_country": {"iso_code": "US"}},
        "2001:db8:1::/48": {"country": {"iso_code": "KE"}},
    }
    return str(mmdb.write(tmp_path / "country.mmdb", records))


@pytest.fixture
def network_file(tmp_path):
    records = {
        "198.51.100.0/24": {"autonomous_system_number": 37457, "autonomous_system_organization": "Telkom SA Ltd."},
        "203.0.113.0/25": {"autonomous_system_number": 16509, "autonomous_system_organization": "AMAZON-02"},
        "203.0.113.128/25": {"asn": "AS65001", "as_name": "Example Hosting BV"},
        "192.0.2.0/24": {"is_hosting_provider": True},
    }
    return str(mmdb.write(tmp_path / "asn.mmdb", records, kind="Test-ASN"))


@pytest.mark.parametrize(
    ("address", "country", "region"),
    [
        ("198.51.100.7", "ZA", "ZA-WC"),
        ("203.0.113.9", "NA", None),
        ("203.0.113.200", "BW", "South East"),
        ("192.0.2.1", None, None),
        ("2001:db8:1:2::", "KE", None),
        ("2001:db8:2::", None, None),
        ("10.0.0.1", None, None),
        ("-", None, None),
        ("not an address", None, None),
    ],
)
def test_country_and_region_are_read_from_files_of_any_maker(country_file, address, country, region):
    assert geo.open_files(country_file).describe([address]).row(0) == (address, country, region, None)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "access"),
        ("203.0.113.9", "hosting"),
        ("203.0.113.200", "hosting"),
        ("192.0.2.1", "hosting"),
        ("10.0.0.1", None),
    ],
)
def test_data_centres_are_distinguished_from_access_networks(network_file, address, network):
    assert geo.open_files("", network_file).describe([address])["network"].to_list() == [network]


def test_without_files_everything_is_unknown():
    assert geo.open_files().describe(["198.51.100.7"]).row(0) == ("198.51.100.7", None, None, None)


def test_no_addresses_give_an_empty_frame(country_file):
    assert geo.open_files(country_file).describe([]).columns == ["address", "country", "region", "network"]


def test_files_are_opened_once_a_process_and_not_pickled(country_file):
    assert geo.open_files(country_file) is geo.open_files(country_file)
    with pytest.raises(TypeError):
        pickle.dumps(geo.open_files(country_file))


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(geo.GeoFileError, match=r"places\.country_file: no file .*none\.mmdb; name a file"):
        geo.open_files(str(tmp_path / "none.mmdb"))


def test_a_file_of_another_format_is_a_clear_error(tmp_path):
    (tmp_path / "bad.mmdb").write_text("country,from,to\n")
    with pytest.raises(geo.GeoFileError, match="can't be read"):
        geo.open_files("", str(tmp_path / "bad.mmdb"))


@pytest.mark.parametrize(
    ("address", "networks", "expected"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("11.1.2.3", ["10.0.0.0/8"], False),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("10.1.2.3", [], False),
        ("10.1.2.3", ["2001:db8::/32", "10.1.2.3/32"], True),
        ("2001:db8:1:2::", ["2001:db8:1::/48"], True),
        ("2001:db8:1:2::", ["2001:db8:1:2::5/128"], True),
        ("2001:db8:1:2::", ["2001:db8:1:3::5/128"], False),
        ("-", ["10.0.0.0/8"], False),
    ],
)
def test_a_tenant_s_own_networks_are_known(address, networks, expected):
    assert geo.is_internal([address], networks) == [expected]
