"""Without credentials for Azure one line says so, at once and once."""

from __future__ import annotations

import logging

import pytest
from azure.core.exceptions import ClientAuthenticationError

from metrics_lake.config.storage_urls import place_of
from metrics_lake.io.storage import azure
from metrics_lake.io.storage.azure import AzureError, container_of, telling
from metrics_lake.io.storage.identity import Identity, NoIdentityError, default_credential

PLACE = place_of("https://acme.blob.core.windows.net/figures")


class Nobody:
    """A credential that finds no identity, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def get_token(self, *scopes, **options):
        self.asked += 1
        raise ClientAuthenticationError("sixty lines of what was tried")


@pytest.fixture
def nobody(monkeypatch) -> Nobody:
    credential = Nobody()
    identity = Identity(credential, "set a key")
    monkeypatch.setattr(azure, "_identity", lambda: identity)
    return credential


def test_a_refusal_is_final_and_is_asked_for_once(nobody):
    identity = Identity(nobody, "set a key")
    for _ in range(3):
        with pytest.raises(NoIdentityError, match=r"^no identity of this machine or principal is accepted; set a key$"):
            identity.get_token("scope")
    assert nobody.asked == 1


def test_no_call_of_the_storage_waits_for_retries_where_nobody_is_logged_in(nobody, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it waits to try again"))
    for _ in range(2):
        with pytest.raises(AzureError, match=r"^https://acme\S+figures: no identity of .*; set a key$"), telling(PLACE):
            list(container_of(PLACE).list_blobs())
    assert nobody.asked == 1


def test_tables_say_it_in_the_same_line(nobody):
    with pytest.raises(AzureError, match=r"^Azure's storage: no identity of .*; set a key$"):
        azure.token()


def test_the_package_of_azure_does_not_warn_of_what_the_error_says():
    default_credential()
    assert not logging.getLogger("azure.identity").isEnabledFor(logging.WARNING)
