"""`metrics-lake fetch places`, and what is said while there is no country file."""

import pytest

from tests.unit.sources import mmdb


@pytest.fixture(autouse=True)
def landing(world):
    (world.folder / "data" / "landing" / "haproxy").mkdir(parents=True)


def test_the_country_file_that_one_names_is_put_into_place_and_said(world):
    given = mmdb.write(world.folder / "given.mmdb", {"203.0.113.0/24": {"country_code": "NA"}})
    ended = world.run("fetch", "places", "--from", str(given))
    assert ended.code == 0 and not ended.out
    assert "data/places/country.mmdb: new, 0.0 MB, built 2001-01-15" in ended.err and "SHA-256" in ended.err
    assert "unchanged" in world.run("fetch", "places", "--from", str(given)).err


def test_a_wrong_file_gets_one_line(world):
    (world.folder / "given.mmdb").write_text("no such thing")
    ended = world.run("fetch", "places", "--from", "given.mmdb")
    assert ended.code == 1 and "given.mmdb is no file in MaxMind's format; name a country file" in ended.err


def test_the_doctor_says_what_is_lost_without_a_country_file_and_how_to_have_one(world):
    said = " ".join(world.run("doctor").out.split())
    assert "countries: not set up, so where listeners are stays unknown → metrics-lake fetch places" in said
    mmdb.write(world.folder / "given.mmdb", {"203.0.113.0/24": {"country_code": "NA"}})
    world.run("fetch", "places", "--from", "given.mmdb")
    said = " ".join(world.run("doctor").out.split())
    assert "countries: not set up" not in said and "data/places/country.mmdb" in said
