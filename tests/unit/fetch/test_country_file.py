"""The country file: brought, checked, put into place."""

from __future__ import annotations

import gzip
import http.server
import io
import json
import tarfile
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest

from metrics_lake.config.places import Places
from metrics_lake.fetch import country_file
from metrics_lake.fetch.ledger import FetchError
from metrics_lake.sources.lookups import geo
from tests.unit.sources import mmdb

NOW = datetime(2001, 1, 15, 12, tzinfo=timezone.utc)
ADDRESS = "203.0.113.9"


def content(folder: Path, code: str = "NA") -> bytes:
    return mmdb.write(folder / f"made-{code}.mmdb", {"203.0.113.0/24": {"country_code": code}}).read_bytes()


def tar(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


@pytest.mark.parametrize("pack", [
    bytes, gzip.compress, lambda data: tar(**{"GeoLite2-Country.mmdb": data, "LICENSE.txt": b"its licence"}),
], ids=["plain", "gzip", "tar"])  # fmt: skip
def test_a_country_file_is_taken_plain_or_packed(tmp_path, pack):
    given = tmp_path / "given"
    given.write_bytes(pack(content(tmp_path)))
    file = country_file.install(country_file.from_place(str(given)), tmp_path / "places", NOW)
    assert file.is_new and geo.GeoFiles(str(file.path)).describe([ADDRESS])["country"].to_list() == ["NA"]
    stated = json.loads((tmp_path / "places" / "country.json").read_text())
    assert (stated["sha256"], stated["fetched_at"]) == (file.sha256, "2001-01-15T12:00:00+00:00")


def test_the_same_bytes_are_unchanged_and_others_replace_them(tmp_path):
    place = tmp_path / "given.mmdb"
    for code, is_new in (("NA", True), ("NA", False), ("BW", True)):
        place.write_bytes(content(tmp_path, code))
        file = country_file.install(country_file.from_place(str(place)), tmp_path / "places", NOW)
        assert file.is_new == is_new and geo.GeoFiles(str(file.path)).describe([ADDRESS])["country"].to_list() == [code]


@pytest.mark.parametrize(("data", "message"), [
    (b"no such thing", "is no file in MaxMind's format"),
    (b"", "is no file in MaxMind's format"),
    (gzip.compress(b"no such thing"), "is no file in MaxMind's format"),
    (gzip.compress(b"cut short" * 99)[:25], "can't be unpacked"),
    (tar(**{"a.mmdb": b"1", "b.mmdb": b"2"}), "holds 2 files named *.mmdb"),
    (tar(**{"readme.txt": b"1"}), "holds 0 files named *.mmdb"),
], ids=["a text", "empty", "a packed text", "cut", "two files", "none"])  # fmt: skip
def test_what_is_no_country_file_changes_nothing(tmp_path, data, message):
    place, places = tmp_path / "given", tmp_path / "places"
    country_file.install(country_file.Package(content(tmp_path), "first"), places, NOW)
    before = {path.name: path.read_bytes() for path in places.iterdir()}
    place.write_bytes(data)
    with pytest.raises(FetchError, match="--from FILE or URL") as error:
        country_file.install(country_file.from_place(str(place)), places, NOW)
    assert message in str(error.value)
    assert {path.name: path.read_bytes() for path in places.iterdir()} == before


def test_a_file_of_networks_is_no_country_file(tmp_path):
    networks = mmdb.write(tmp_path / "asn.mmdb", {"203.0.113.0/24": {"autonomous_system_number": 65001}}, kind="ASN")
    with pytest.raises(FetchError, match="names no country"):
        country_file.install(country_file.from_place(str(networks)), tmp_path / "places", NOW)


@pytest.fixture
def server(tmp_path):
    """A web server with one country file at /country.mmdb."""
    data = content(tmp_path)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_there = self.path.startswith("/country.mmdb")
            self.send_response(200 if is_there else 404)
            self.end_headers()
            self.wfile.write(data if is_there else b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_port}"
        web.shutdown()


def test_a_url_is_fetched_and_its_query_is_kept_nowhere(tmp_path, server):
    package = country_file.from_place(f"{server}/country.mmdb?key=secret")
    assert package.source == f"{server}/country.mmdb"
    assert country_file.install(package, tmp_path / "places", NOW).is_new


def test_a_url_that_has_nothing_says_so(server):
    with pytest.raises(FetchError, match=r"can't be fetched: status 404; .*--from"):
        country_file.from_place(f"{server}/other?key=secret")
    with pytest.raises(FetchError, match=r"can't be fetched: ConnectionError"):
        country_file.from_place("http://127.0.0.1:9/country.mmdb")


def npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for npm: `npm pack NAME --silent --pack-destination DIR` puts NAME's tar into DIR and prints its name."""
    program = folder / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_npm_brings_the_free_file_with_its_version_and_licence(tmp_path, monkeypatch):
    stated = json.dumps({"version": "2.3.1", "license": "CC0-1.0"}).encode()
    files = {"geo-whois-asn-country.mmdb": content(tmp_path), "package.json": stated, "NRO_LICENSE": b"name nro.net"}
    (tmp_path / "given.tgz").write_bytes(tar(**files))
    npm(tmp_path, f'test "$1 $2" = "pack {country_file.PACKAGE}" && cp {tmp_path}/given.tgz "$5/x.tgz"', monkeypatch)
    package = country_file.from_npm()
    assert (package.version, package.licence, package.notices) == ("2.3.1", "CC0-1.0", {"NRO_LICENSE": "name nro.net"})
    assert country_file.install(package, tmp_path / "places", NOW).is_new


def test_without_npm_or_its_registry_the_error_names_another_way(tmp_path, monkeypatch):
    npm(tmp_path, "exit 1", monkeypatch)
    with pytest.raises(FetchError, match=r"npm could not bring .*--from FILE or URL"):
        country_file.from_npm()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match=r"npm is not installed.*--from FILE or URL"):
        country_file.from_npm()


def test_the_fetched_file_is_read_unless_another_is_named(tmp_path):
    places = Places(folder=str(tmp_path))
    assert places.in_use.country_file == ""
    (tmp_path / "country.mmdb").write_bytes(b"")
    assert places.in_use.country_file == str(tmp_path / "country.mmdb")
    assert Places(folder=str(tmp_path), country_file="mine.mmdb").in_use.country_file == "mine.mmdb"
