"""Gives Spark's driver for Azure's storage (ABFS) the secret of a place, in a way that no log shows it.

Options of a session appear on the command line of its JVM, in the event log and in the UI. So these options are set in the
Hadoop configuration of the running session, from which Spark passes them to its executors with each task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrics_lake.config.secrets import STORAGE, azure_identity
from metrics_lake.config.settings import SettingsError
from metrics_lake.config.storage_urls import AzurePlace, is_azure, place_of
from metrics_lake.io.storage.azure import opening

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_OAUTH = "org.apache.hadoop.fs.azurebfs.oauth2"
_LOGIN = "https://login.microsoftonline.com"
_ALWAYS = {
    "fs.azure.networking.library": "JDK_HTTP_URL_CONNECTION",  # the other one's classes aren't among pyspark's jars
    "fs.azure.io.retry.max.retries": "5",  # of 30, which are half an hour
    "fs.azure.io.retry.max.backoff.interval": "8000",
    "fs.azure.oauth.token.fetch.retry.max.retries": "3",
}
_FLAT = {
    "fs.azure.account.hns.enabled": "false",
    "fs.azure.fns.account.service.type": "BLOB",
    "fs.azure.ingress.service.type": "BLOB",
}


def open_for(spark: SparkSession, place: str) -> None:
    """Lets the session read and write a place in Azure; a folder needs nothing."""
    if not is_azure(place):
        return
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    for name, text in options(place_of(place)).items():
        configuration.set(name, text)


def options(place: AzurePlace) -> dict[str, str]:
    """Hadoop's options for the account of a place; they contain a secret."""
    kind, secret = opening(place)
    host, common = place.abfs_host, {**_ALWAYS, **(_FLAT if place.is_flat else {})}
    if place.is_emulator:
        endpoint = place.account_url.removeprefix("http://").partition("/")[0]
        common |= {"fs.azure.abfs.endpoint": endpoint, "fs.azure.always.use.https": "false"}
    if kind == "key":
        return common | {_option(host, "auth.type"): "SharedKey", _option(host, "key"): secret}
    if kind == "sas":
        return common | {_option(host, "auth.type"): "SAS", f"fs.azure.sas.fixed.token.{host}": secret}
    identity = {_option(host, f"oauth{name}"): text for name, text in _identity(azure_identity()).items()}
    return common | {_option(host, "auth.type"): "OAuth"} | identity


def _option(host: str, name: str) -> str:
    return f"fs.azure.account.{name}.{host}"


def _identity(azure: dict[str, str]) -> dict[str, str]:
    """A principal with a secret, else a workload's identity, else the machine's own."""
    tenant, client = azure.get("TENANT_ID", ""), azure.get("CLIENT_ID", "")
    authority = azure.get("AUTHORITY_HOST", _LOGIN).rstrip("/")
    if secret := azure.get("CLIENT_SECRET"):
        if not (tenant and client):
            raise SettingsError(
                "AZURE_CLIENT_SECRET is set, and AZURE_TENANT_ID or AZURE_CLIENT_ID is not: set all three, or set "
                f"{STORAGE}_KEY or {STORAGE}_SAS"
            )
        endpoint = f"{authority}/{tenant}/oauth2/token"
        known = {"2.client.endpoint": endpoint, "2.client.id": client, "2.client.secret": secret}
        return {".provider.type": f"{_OAUTH}.ClientCredsTokenProvider", **known}
    known = {"2.msi.tenant": tenant, "2.client.id": client, "2.msi.authority": authority}
    given = {name: text for name, text in known.items() if text}
    if file := azure.get("FEDERATED_TOKEN_FILE"):
        return {".provider.type": f"{_OAUTH}.WorkloadIdentityTokenProvider", **given, "2.token.file": file}
    return {".provider.type": f"{_OAUTH}.MsiTokenProvider", **given}
