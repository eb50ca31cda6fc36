"""Addresses of Azure's storage as settings may write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics_lake.config.settings import SettingsError, load
from metrics_lake.config.storage_urls import is_azure, place_of, uri_of

ACME = "https://acme.blob.core.windows.net"


@pytest.mark.parametrize(
    ("text", "account", "container", "folder"),
    [
        ("abfss://figures@acme.dfs.core.windows.net/rollups/all", ACME, "figures", "rollups/all"),
        ("abfs://figures@acme.dfs.core.windows.net", ACME, "figures", ""),
        ("https://acme.blob.core.windows.net/figures/rollups/", ACME, "figures", "rollups"),
        ("https://acme.blob.core.windows.net/$web", ACME, "$web", ""),
        ("https://acme.blob.core.chinacloudapi.cn/figures", "https://acme.blob.core.chinacloudapi.cn", "figures", ""),
        ("http://127.0.0.1:10000/acme/figures/rollups", "http://127.0.0.1:10000/acme", "figures", "rollups"),
    ],
)
def test_an_address_names_account_container_and_folder(text, account, container, folder):
    place = place_of(text)
    assert (place.account_url, place.container, place.folder) == (account, container, folder)
    assert place.path("acme/index.json") == f"{folder}/acme/index.json".lstrip("/")


@pytest.mark.parametrize("text", ["data/rollups", "/srv/rollups", "rollups:old"])
def test_a_folder_is_no_address(text):
    assert not is_azure(text)


WRONG = [
    "https://acme.blob.core.windows.net", "https://acme.blob.core.windows.net/figures?sv=1&sig=hidden",
    "https://example.org/figures", "http://acme.blob.core.windows.net/figures", "s3://figures/rollups",
    "abfss://acme.dfs.core.windows.net/figures",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_address_or_holds_a_sas_is_refused_without_being_repeated(tmp_path, text):
    with pytest.raises(SettingsError, match=r"storage.rollups: no address of Azure's storage; write abfss://") as error:
        load(str(tmp_path), overrides=[f"storage.rollups='{text}'"])
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "abfs", "is_flat"),
    [
        ("abfss://lake@acme.dfs.core.windows.net/a/b", "abfss://lake@acme.dfs.core.windows.net/a/b", False),
        ("abfs://lake@acme.dfs.core.windows.net", "abfss://lake@acme.dfs.core.windows.net", False),
        ("https://acme.blob.core.windows.net/lake/a/", "abfss://lake@acme.dfs.core.windows.net/a", True),
        ("https://acme.blob.core.chinacloudapi.cn/lake", "abfss://lake@acme.dfs.core.chinacloudapi.cn", True),
        ("http://127.0.0.1:10000/acme/lake/a", "abfs://lake@acme.dfs.core.windows.net/a", True),
    ],
)
def test_spark_and_delta_know_a_place_by_the_address_of_the_abfs_driver(text, abfs, is_flat):
    place = place_of(text)
    assert (place.abfs, uri_of(text), place.is_flat, place.account) == (abfs, abfs, is_flat, "acme")


def test_spark_opens_a_folder_by_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert uri_of("data/lake") == str(tmp_path.resolve() / "data" / "lake")


def test_blobs_of_landing_are_left_to_the_container_s_own_rules(tmp_path):
    with pytest.raises(SettingsError, match=r"upkeep.landing_days: landing is in Azure's storage: leave it null"):
        load(str(tmp_path), overrides=[f"storage.landing={ACME}/logs", "upkeep.landing_days=30"])


def test_the_example_for_azure_names_places_in_azure():
    example = load(str(Path(__file__).parents[3] / "conf"), "azure")
    assert all(is_azure(place) for place in (example.storage.landing, example.storage.lake, example.storage.rollups))
