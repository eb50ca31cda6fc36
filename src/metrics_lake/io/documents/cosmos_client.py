"""Connects to an account of Cosmos DB."""

from __future__ import annotations

from azure.cosmos import CosmosClient

from metrics_lake.io.storage.identity import default_credential

_LOOPBACK = ("127.0.0.1", "localhost")


def connected(endpoint: str, key: str | None, answer_seconds: float) -> CosmosClient:
    """A client without retries of its own. Without `key` it uses a managed identity, or the login of Azure's tools."""
    is_local = any(f"//{host}" in endpoint for host in _LOOPBACK)
    if is_local:  # the client accepts an emulator's certificate, and would warn about it at every call
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return CosmosClient(
        endpoint,
        key or default_credential(),
        retry_total=0,
        connection_timeout=answer_seconds,
        read_timeout=answer_seconds,
        enable_endpoint_discovery=not is_local,
    )
