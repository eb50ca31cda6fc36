"""What opens a lake in Azure for Spark and for delta-rs, and what is told where the storage refuses; nothing is asked."""

from __future__ import annotations

import re

import pytest

from metrics_lake.cli.output import failures
from metrics_lake.config.settings import SettingsError
from metrics_lake.config.storage_urls import place_of
from metrics_lake.io.lake import delta
from metrics_lake.io.lake.spark_session import _REDACTED as REDACTED
from metrics_lake.io.storage import abfs
from metrics_lake.io.storage.azure import trouble
from tests.unit.io.storage.test_azure import KEY

DEEP, FLAT = "abfss://lake@acme.dfs.core.windows.net/a", "https://acme.blob.core.windows.net/lake/a"
EMULATOR = "http://127.0.0.1:10000/acme/lake/a"
HOST = "acme.dfs.core.windows.net"
SAS = "sv=1&sig=hidden%3D"
PRINCIPAL = {"TENANT_ID": "t1", "CLIENT_ID": "c1", "CLIENT_SECRET": "hidden"}


def options(monkeypatch: pytest.MonkeyPatch, place: str = DEEP, **environment: str) -> dict[str, str]:
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    return abfs.options(place_of(place))


def test_spark_opens_an_account_with_its_key_or_a_sas(monkeypatch):
    held = options(monkeypatch, METRICS_LAKE_STORAGE_SAS=SAS)
    assert (held[f"fs.azure.account.auth.type.{HOST}"], held[f"fs.azure.sas.fixed.token.{HOST}"]) == ("SAS", SAS)
    held = options(monkeypatch, METRICS_LAKE_STORAGE_KEY=KEY)
    assert (held[f"fs.azure.account.auth.type.{HOST}"], held[f"fs.azure.account.key.{HOST}"]) == ("SharedKey", KEY)
    assert "fs.azure.account.hns.enabled" not in held and "fs.azure.abfs.endpoint" not in held


@pytest.mark.parametrize("place", [FLAT, EMULATOR])
def test_an_account_without_folders_of_its_own_is_opened_by_its_blob_service(monkeypatch, place):
    held = options(monkeypatch, place, METRICS_LAKE_STORAGE_KEY=KEY)
    assert held["fs.azure.account.hns.enabled"] == "false" and held["fs.azure.fns.account.service.type"] == "BLOB"
    assert held.get("fs.azure.abfs.endpoint") == ("127.0.0.1:10000" if place == EMULATOR else None)


IDENTITIES = [
    (PRINCIPAL, "ClientCredsTokenProvider",
     {"client.endpoint": "https://login.microsoftonline.com/t1/oauth2/token", "client.id": "c1", "client.secret": "hidden"}),
    ({**PRINCIPAL, "AUTHORITY_HOST": "https://login.example.org/"}, "ClientCredsTokenProvider",
     {"client.endpoint": "https://login.example.org/t1/oauth2/token", "client.id": "c1", "client.secret": "hidden"}),
    ({"TENANT_ID": "t1", "CLIENT_ID": "c1", "FEDERATED_TOKEN_FILE": "/run/token"}, "WorkloadIdentityTokenProvider",
     {"msi.tenant": "t1", "client.id": "c1", "msi.authority": "https://login.microsoftonline.com", "token.file": "/run/token"}),
    ({"CLIENT_ID": "c1"}, "MsiTokenProvider",
     {"client.id": "c1", "msi.authority": "https://login.microsoftonline.com"}),
    ({}, "MsiTokenProvider", {"msi.authority": "https://login.microsoftonline.com"}),
]  # fmt: skip


@pytest.mark.parametrize(("told", "provider", "known"), IDENTITIES)
def test_spark_finds_the_identity_that_azure_s_own_variables_name(monkeypatch, told, provider, known):
    held = options(monkeypatch, **{f"AZURE_{name}": text for name, text in told.items()})
    start = "fs.azure.account.oauth"
    assert held[f"{start}.provider.type.{HOST}"] == f"org.apache.hadoop.fs.azurebfs.oauth2.{provider}"
    named = {name.removeprefix(f"{start}2.").removesuffix(f".{HOST}"): text for name, text in held.items()}
    assert {name: named[name] for name in known} == known
    assert len([name for name in held if name.startswith(f"{start}2.")]) == len(known)


def test_half_a_principal_is_told_with_what_it_lacks(monkeypatch):
    with pytest.raises(
        SettingsError, match="AZURE_CLIENT_SECRET is set, and AZURE_TENANT_ID or AZURE_CLIENT_ID is not"
    ):
        options(monkeypatch, AZURE_CLIENT_SECRET="hidden")


@pytest.mark.parametrize(
    "environment",
    [
        {"METRICS_LAKE_STORAGE_KEY": KEY},
        {"METRICS_LAKE_STORAGE_SAS": SAS},
        {f"AZURE_{k}": v for k, v in PRINCIPAL.items()},
    ],
)
def test_an_option_with_a_secret_has_a_name_that_spark_blackens_wherever_it_shows_one(monkeypatch, environment):
    secrets = {KEY, SAS, "hidden"}
    named = [name for name, text in options(monkeypatch, **environment).items() if text in secrets]
    assert len(named) == 1 and re.search(REDACTED, named[0])


def test_delta_opens_a_place_by_the_same_secret_and_a_folder_without_any(monkeypatch):
    monkeypatch.setenv("METRICS_LAKE_STORAGE_KEY", KEY)
    held = delta.options(EMULATOR) or {}
    assert held["azure_storage_account_key"] == KEY and held["azure_allow_http"] == "true"
    assert held["azure_storage_endpoint"] == "http://127.0.0.1:10000/acme"
    assert (delta.options(DEEP) or {})["azure_storage_endpoint"] == "https://acme.blob.core.windows.net"
    assert delta.options("data/lake") is None


def test_delta_is_shown_an_identity_s_token(monkeypatch):
    monkeypatch.setattr("metrics_lake.io.storage.azure.token", lambda: "a token")
    assert (delta.options(DEEP) or {})["azure_storage_token"] == "a token"


ABFS = (
    'java.nio.file.AccessDeniedException: Operation failed: "Server failed", {status}, GET, http://a.example/lake?sig=XXXX, '
    'rId: 52a1-b, {code}, "Server failed"\n\tat org.apache.hadoop.fs.azurebfs.AzureBlobFileSystem.checkException(A.java:1)'
)
DELTA = (
    "Generic MicrosoftAzure error\n ↳ Error performing GET http://a.example/lake?sig=hidden in 4 ms - Server returned non-2xx "
    "status code\n ↳ {status}\n ↳ <Error>\n  <Code>{code}</Code>\n</Error>"
)
WORKER = "PythonException: metrics_lake.io.landing.reader.ReadingFailed: https://acme.blob.core.windows.net/logs: not allowed (403): the key is wrong\n\tat x"
CASES = [
    (ABFS.format(status=403, code="AuthorizationFailure"), "not allowed (AuthorizationFailure): the key is wrong"),
    (ABFS.format(status=403, code="AuthenticationFailed"), "the key or SAS is refused: it is wrong or has expired"),
    (ABFS.format(status=404, code="ContainerNotFound"), "there is no such container: make it"),
    (ABFS.format(status=404, code="FilesystemNotFound"), "there is no such container: make it"),
    (ABFS.format(status=503, code="ServerBusy"), "it answers ServerBusy; the next run goes on"),
    (DELTA.format(status="403 Forbidden", code="AuthorizationPermissionMismatch"), "not allowed (AuthorizationPermissionMismatch)"),
    (DELTA.format(status="404 Not Found", code="ContainerNotFound"), "there is no such container: make it"),
    ("Generic MicrosoftAzure error ↳ Invalid Access Key ↳ Invalid last symbol 71", "the key or SAS is refused"),
    ("Generic MicrosoftAzure error ↳ tcp connect error", "it can't be reached: check the account's name"),
    ('Operation failed: "Forbidden", 403, HEAD, http://a.example\n\tat org.apache.hadoop.fs.azurebfs.X', "not allowed (403)"),
    ('[STREAM_FAILED] Query: Operation failed: "Forbidden", 403, GET, http://a.example, rId: 1-a, X, ""', "not allowed (X)"),
    ("AzureADAuthenticator$HttpException: HTTP Error 400\n\tat org.apache.hadoop.fs.azurebfs.oauth2.X", "no identity of this"),
    ("java.net.UnknownHostException: a.example\n\tat org.apache.hadoop.fs.azurebfs.X", "it can't be reached"),
    ("java.lang.IllegalStateException: hidden\n\tat org.apache.hadoop.fs.azurebfs.X", "the storage failed; the next run"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), CASES)
def test_what_spark_and_delta_say_of_the_storage_becomes_one_line_without_their_words(text, said):
    told = trouble(OSError(text)) or ""
    assert told.startswith(f"storage.lake in Azure: {said}")
    assert "hidden" not in told and "example" not in told and "\n" not in told
    assert list(failures.lines(OSError(text))) == [f"metrics-lake: {told}"]


def test_what_a_worker_said_of_landing_is_told_as_it_said_it():
    assert trouble(RuntimeError(WORKER)) == (
        "https://acme.blob.core.windows.net/logs: not allowed (403): the key is wrong"
    )


@pytest.mark.parametrize("text", ["a table is not there", "Error 403, GET", "status 404 Not Found"])
def test_other_errors_are_none_of_the_storage(text):
    assert trouble(OSError(text)) is None


def test_an_error_that_is_its_own_cause_is_no_ctrl_c():
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert not failures.is_interrupt(one)
    other.__cause__ = KeyboardInterrupt()
    assert failures.is_interrupt(one)
