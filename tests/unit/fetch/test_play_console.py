"""What Google's refusals ask of a person, and keys that are none; the rest is tested against a server (tests/stack)."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core import exceptions
from google.auth.exceptions import RefreshError, TransportError

from metrics_lake.config.store_accounts import GooglePlay
from metrics_lake.fetch import play_console
from metrics_lake.fetch.ledger import FetchError, tidied

WORDS = "reports@acme.iam.gserviceaccount.example does not have storage.objects.list access"


@pytest.fixture
def account() -> dict[str, str]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account", "project_id": "acme", "private_key": private.decode(), "client_email": "reports@acme.example",
        "token_uri": "https://oauth2.googleapis.com/token",
    }  # fmt: skip


def test_a_service_account_s_key_makes_a_client_of_its_project(account):
    assert play_console.client(GooglePlay(), json.dumps(account)).project == "acme"


@pytest.mark.parametrize("spoil", [
    lambda account: "", lambda account: "{", lambda account: "[]", lambda account: "{}",
    lambda account: json.dumps({**account, "private_key": "x"}), lambda account: json.dumps(account)[:-200],
], ids=range(6))  # fmt: skip
def test_what_is_no_key_of_a_service_account_is_told_without_showing_it(account, spoil):
    with pytest.raises(FetchError, match="no service account's key") as error:
        play_console.client(GooglePlay(), spoil(account))
    assert error.value.__suppress_context__ and "PRIVATE" not in str(error.value)


@pytest.mark.parametrize(("error", "said"), [
    (exceptions.NotFound(WORDS), "there is no bucket 'b': check google_play.bucket"),
    (exceptions.Forbidden(WORDS), "invite the service account in Play Console"),
    (exceptions.Unauthorized(WORDS), "invite the service account in Play Console"),
    (RefreshError(WORDS), "check that it wasn't deleted, and this machine's clock"),
    (TransportError(WORDS), "check that it wasn't deleted"),
    (exceptions.TooManyRequests(WORDS), "can't be asked (TooManyRequests); run again later"),
    (ConnectionError(WORDS), "can't be asked (ConnectionError); run again later"),
])  # fmt: skip
def test_each_refusal_says_what_to_mend_and_names_nobody(error, said):
    class Bucket:
        name = "b"

        class client:
            @staticmethod
            def list_blobs(*_, **__):
                raise error

    with pytest.raises(FetchError) as told:
        list(play_console.fetch(GooglePlay(), Bucket, ["com.a"], "nowhere", ["200101"]))
    assert said in str(told.value) and "@" not in str(told.value)


@pytest.mark.parametrize(("text", "wanted"), [
    ("\ufeffDate , Package name,X\r\n1, 2,3\r\n\r\n", "Date,Package name,X\n1, 2,3\n"),
    ("SKU  \tUnits \n\t\t\n", "SKU\tUnits\n\t\t\n"),
    ("Date", "Date\n"),
])  # fmt: skip
def test_a_report_is_tidied_without_touching_its_cells(text, wanted):
    assert tidied(text) == wanted and tidied(wanted) == wanted
