"""Azure's storage: a container's client, opened by whatever secret there is, and its errors in one line each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from metrics_lake.azure_places import AzurePlace
from metrics_lake.settings import STORAGE, SettingsError, storage_secret

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

_PATIENCE: dict[str, Any] = {
    "connection_timeout": 20,
    "read_timeout": 60,
    "retry_total": 4,
    "initial_backoff": 1,
    "increment_base": 2,
}


class AzureError(Exception):
    """Azure's storage can't be reached or refuses; the message says what to mend, and holds no secret."""


def container_of(place: AzurePlace) -> ContainerClient:
    """The container of a place, not yet asked anything."""
    from azure.storage.blob import ContainerClient

    kind, secret = storage_secret()
    credential: Any = secret
    if kind == "identity":
        if place.account_url.startswith("http://"):
            raise SettingsError(
                f"an emulator of Azure's storage wants a key or a SAS: set {STORAGE}_KEY or {STORAGE}_SAS"
            )
        from azure.identity import DefaultAzureCredential

        credential = DefaultAzureCredential()
    return ContainerClient(
        place.account_url, place.container, credential=credential, raw_response_hook=_take_for_busy, **_PATIENCE
    )


def _take_for_busy(answer: Any) -> None:
    """Azure's package tries 503 again and 429 (too many requests) not, though both mean the same."""
    if answer.http_response.status_code == 429:
        answer.http_response.status_code = 503


def is_missing_blob(error: Any) -> bool:
    """Whether it is the blob that isn't there, and not its container; asked by HEAD the service doesn't tell which."""
    return _code(error) == "BlobNotFound"


def _code(error: Any) -> str:
    """The service's word for what is wrong: an enumeration's value, or a plain word that it doesn't know."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


@contextmanager
def telling(place: AzurePlace) -> Iterator[None]:
    """Has whatever Azure's packages raise within the block told as an AzureError."""
    from azure.core.exceptions import AzureError as Failed

    try:
        yield
    except Failed as error:
        raise AzureError(f"{place}: {_told(error)}") from None


def _told(error: Any) -> str:
    from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

    status, code = getattr(error, "status_code", None), _code(error)
    if code == "ContainerNotFound" or (status == 404 and code in ("", "ResourceNotFound")):
        return "there is no such container: make it, or mend the setting"
    if code == "AuthenticationFailed" or status == 401:
        return f"the key or SAS is refused: it is wrong or has expired; renew {STORAGE}_KEY or {STORAGE}_SAS"
    if status == 403:
        return f"not allowed ({code or 403}): the key is wrong, the SAS or identity lacks a right, or a firewall is in the way"
    if isinstance(error, ClientAuthenticationError):
        return f"no identity of this machine or principal is accepted; set {STORAGE}_KEY or {STORAGE}_SAS, or mend it"
    if isinstance(error, (ServiceRequestError, ServiceResponseError)):
        return "it can't be reached: check the account's name, the net and its firewall; the next run goes on from here"
    return f"it answers {code or status or type(error).__name__}; the next run goes on from here"
