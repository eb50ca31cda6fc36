"""`fetch` from the command line: what is missing is named, and what came of each report is told."""

from __future__ import annotations

import pytest

from tests.unit.cli.test_downloads import APPS
from tests.unit.fetch.apple import ISSUER, KEY_ID, VENDOR, Apple, new_key, served

SETTINGS = "app_store: {{vendor: '{vendor}', issuer_id: '{issuer}', key_id: '{key_id}', url: '{url}'}}\n"
DAYS = ["--from", "2001-01-15", "--to", "2001-01-16"]


@pytest.fixture
def apple(world, monkeypatch):
    """The world with settings for a local App Store, and its key in a file that the environment names."""
    private, public = new_key()
    with served(Apple(public)) as server:
        text = SETTINGS.format(vendor=VENDOR, issuer=ISSUER, key_id=KEY_ID, url=server.url)
        (world.folder / "conf" / "base.yaml").write_text(text)
        (world.folder / "key.p8").write_text(private)
        monkeypatch.setenv("METRICS_LAKE_APP_STORE_KEY_FILE", "key.p8")
        server.reports["2001-01-15"] = "SKU\tUnits\nacme\t3\n"
        yield server


def test_each_report_is_told_and_their_number_at_the_end(world, apple):
    ended = world.run("fetch", "app-store", *DAYS)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.splitlines() == [
        "S_D_85000001_20010115: landed", "S_D_85000001_20010116: not there yet", "1 landed, 1 not there yet",
    ]  # fmt: skip
    assert len(list((world.folder / "data" / "landing" / "app_store").rglob("S_D_*.txt"))) == 1


def test_the_key_may_stand_in_the_environment(world, apple, monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_APP_STORE_KEY", (world.folder / "key.p8").read_text())
    (world.folder / "key.p8").unlink()
    assert world.run("fetch", "app-store", *DAYS).code == 0


def test_a_refusal_is_one_line_and_shows_no_key(world, apple):
    (world.folder / "key.p8").write_text(new_key()[0])
    ended = world.run("fetch", "app-store", *DAYS)
    assert ended.code == 1 and ended.err.count("\n") == 1 and "the App Store doesn't know the key" in ended.err


@pytest.mark.parametrize(("words", "settings", "said"), [
    (["app-store"], "", "not set: app_store.vendor, app_store.issuer_id, app_store.key_id; see app_store in conf/base.yaml"),
    (["app-store"], SETTINGS.format(vendor="8", issuer="i", key_id="k", url="u"), "no key: the file data/app_store.p8 is not there"),
    (["google-play"], "", "not set: google_play.bucket; see google_play in conf/base.yaml"),
    (["google-play"], "google_play: {bucket: b}", "no key: the file data/google_play.json is not there"),
])  # fmt: skip
def test_what_is_missing_is_named_with_the_remedy(world, words, settings, said):
    (world.folder / "conf" / "base.yaml").write_text(settings)
    (world.folder / "conf" / "tenants.yaml").write_text(APPS)
    ended = world.run("fetch", *words)
    assert ended.code == 1 and said in ended.err and ended.err.count("\n") == 1


def test_without_an_app_of_google_there_is_nothing_to_ask_for(world):
    (world.folder / "conf" / "base.yaml").write_text("google_play: {bucket: b}")
    ended = world.run("fetch", "google-play")
    assert ended.code == 1 and "no tenant in conf/tenants.yaml has an app of the store google" in ended.err
