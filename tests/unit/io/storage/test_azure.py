"""Who opens a container of Azure, before anything is asked of it."""

from __future__ import annotations

import pytest

from metrics_lake.config.settings import SettingsError
from metrics_lake.config.storage_urls import place_of
from metrics_lake.io.storage.azure import container_of

PLACE = place_of("https://acme.blob.core.windows.net/figures")
KEY = "a2V5IG9mIGEgdGVzdCwgYW5kIG5vdGhpbmcgZWxzZSBhdCBhbGw="


@pytest.mark.parametrize(
    ("secrets", "credential"),
    [
        ({"KEY": KEY}, "SharedKeyCredentialPolicy"),
        ({}, "Identity"),
    ],
)
def test_the_secret_that_is_there_opens_the_container(monkeypatch, secrets, credential):
    for name, text in secrets.items():
        monkeypatch.setenv(f"METRICS_LAKE_STORAGE_{name}", text)
    container = container_of(PLACE)
    assert type(container.credential).__name__ == credential
    assert (container.account_name, container.container_name) == ("acme", "figures")


def test_a_sas_stands_in_the_client_s_address_and_in_no_name_of_ours(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_STORAGE_SAS", "sv=1&sig=hidden")
    container = container_of(PLACE)
    assert "sig=hidden" in container.url and "hidden" not in f"{PLACE} {PLACE!r}"


def test_an_emulator_is_never_asked_with_an_identity():
    with pytest.raises(SettingsError, match="an emulator of Azure's storage wants a key or a SAS"):
        container_of(place_of("http://127.0.0.1:10000/acme/figures"))
