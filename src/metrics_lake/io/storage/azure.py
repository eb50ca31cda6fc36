"""Azure's storage: a container's client, opened by whatever secret there is, and its errors in one line each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from metrics_lake.config.secrets import STORAGE, storage_secret
from metrics_lake.config.settings import SettingsError
from metrics_lake.config.storage_urls import AzurePlace
from metrics_lake.io.storage.identity import Identity, NoIdentityError, default_credential

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties, ContainerClient

_FOLDER = "hdi_isfolder"  # the mark of a blob that stands for a folder, as ABFS makes them; tools spell it as they like
_OF_CONTAINERS = ("ContainerNotFound", "FilesystemNotFound", "ContainerBeingDeleted", "AuthenticationFailed")
FORBIDDEN = "not_permitted"
_REFUSALS = {
    "BlobArchived": "archived", "BlobBeingRehydrated": "archived", "403": FORBIDDEN, "404": "vanished", "409": "refused",
    "412": "changed",
}  # fmt: skip
_FOLDER_ENDINGS = ("/", "_$folder$")
_SCOPE = "https://storage.azure.com/.default"
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
    """The client of a place's container, not yet connected."""
    from azure.storage.blob import ContainerClient

    kind, secret = opening(place)
    credential: Any = _identity() if kind == "identity" else secret
    return ContainerClient(
        place.account_url, place.container, credential=credential, raw_response_hook=_take_for_busy, **_PATIENCE
    )


def _take_for_busy(answer: Any) -> None:
    """Azure's package tries 503 again and 429 (too many requests) not, though both mean the same."""
    if answer.http_response.status_code == 429:
        answer.http_response.status_code = 503


def opening(place: AzurePlace) -> tuple[str, str]:
    """The credential of a place: its kind (`key`, `sas` or `identity`) and the secret. Emulators know no identities."""
    kind, secret = storage_secret()
    if kind == "identity" and place.is_emulator:
        raise SettingsError(f"an emulator of Azure's storage wants a key or a SAS: set {STORAGE}_KEY or {STORAGE}_SAS")
    return kind, secret


def token() -> str:
    """A token by which the storage accepts this process's identity for about an hour. Raises AzureError without one."""
    try:
        return str(_identity().get_token(_SCOPE).token)
    except NoIdentityError as error:
        raise AzureError(f"Azure's storage: {error}") from None


@cache
def _identity() -> Identity:
    return Identity(
        default_credential(), f"set {STORAGE}_KEY or {STORAGE}_SAS, or give this machine one: docs/azure.md"
    )


def blobs_below(container: ContainerClient, start: str) -> Iterator[BlobProperties]:
    """The blobs whose names begin so, in order, without those that stand for folders."""
    blobs = container.list_blobs(name_starts_with=start, include=["metadata"])
    yield from sorted((blob for blob in blobs if not _is_folder(blob)), key=lambda blob: str(blob.name))


def _is_folder(blob: BlobProperties) -> bool:
    marks = {str(key).lower(): str(mark).lower() for key, mark in (blob.metadata or {}).items()}
    return marks.get(_FOLDER) == "true" or str(blob.name).endswith(_FOLDER_ENDINGS)


def is_missing_blob(error: Any) -> bool:
    """Whether it is the blob that isn't there, and not its container; asked by HEAD the service doesn't tell which."""
    return _code(error) == "BlobNotFound"


def refusal_of_blob(error: Any) -> str | None:
    """Why the service refuses one blob, as a reason of quarantine; None if the error is of the container or the account."""
    status, code = getattr(error, "status_code", None), _code(error)
    if code in _OF_CONTAINERS:
        return None
    return _REFUSALS.get(code) or _REFUSALS.get(str(status))


def _code(error: Any) -> str:
    """The service's error code: a value of the package's enumeration, or a text that is not in it."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


@contextmanager
def telling(place: AzurePlace) -> Iterator[None]:
    """Raises errors of Azure's packages within the block as AzureError."""
    from azure.core.exceptions import AzureError as Failed

    try:
        yield
    except NoIdentityError as error:
        raise AzureError(f"{place}: {error}") from None
    except Failed as error:
        raise AzureError(f"{place}: {_reason(error)}") from None


def _reason(error: Any) -> str:
    from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

    status, code = getattr(error, "status_code", None), _code(error)
    if isinstance(error, ClientAuthenticationError) and not status:
        return f"{_NO_IDENTITY}; set {STORAGE}_KEY or {STORAGE}_SAS, or mend it"
    if isinstance(error, (ServiceRequestError, ServiceResponseError)):
        return f"{_UNREACHED}: check the account's name, the net and its firewall; the next run goes on from here"
    return _answered(status, code or ("" if status else type(error).__name__))


_NO_IDENTITY, _UNREACHED = "no identity of this machine or principal is accepted", "it can't be reached"
_NOWHERE, _REFUSED = "there is no such container", "the key or SAS is refused"


def _answered(status: int | None, code: str) -> str:
    """What the service's answer means, and the remedy."""
    if code in ("ContainerNotFound", "FilesystemNotFound") or (status == 404 and code in ("", "ResourceNotFound")):
        return f"{_NOWHERE}: make it, or mend the setting"
    if code == "AuthenticationFailed" or status == 401:
        return f"{_REFUSED}: it is wrong or has expired; renew {STORAGE}_KEY or {STORAGE}_SAS"
    if status == 403:
        return f"not allowed ({code or 403}): the key is wrong, the SAS or identity lacks a right, or a firewall is in the way"
    return f"it answers {code or status}; the next run goes on from here"


_SAID = re.compile(
    rf"https?://\S+: (?:{_NOWHERE}|{_REFUSED}|not allowed \(|{_NO_IDENTITY}|{_UNREACHED}|it answers )[^\n\\]*"
)  # by a worker, within what Spark tells of it
_OTHERS = re.compile(
    r"Generic MicrosoftAzure error|Error performing [A-Z]+ |azurebfs|AbfsRestOperation|Operation failed: .*, \d{3}, [A-Z]+, http"
)
_CODES = re.compile(r"<Code>(\w+)</Code>|rId: [\w-]+, (\w+)")
_STATUS = re.compile(r"\b(?:status code\W+)?(4\d\d|5\d\d)(?: [A-Z]|, [A-Z]+, http)")
_NO_TOKEN = re.compile(r"AzureADAuthenticator|oauth2\.|Error performing token request")
_CUT_OFF = re.compile(r"UnknownHost|ConnectException|SocketTimeout|error sending request|connect error|timed out")


def trouble(error: BaseException) -> str | None:
    """The failure of Azure's storage behind an error of Spark or delta-rs, without their own text; None if it is another."""
    text = f"{error} {error.__cause__ or ''}"
    if said := _SAID.search(text):
        return said[0].strip()
    if not _OTHERS.search(text):
        return None
    code, status = _CODES.search(text), _STATUS.search(text)
    if "Invalid Access Key" in text:
        reason = _answered(401, "")
    elif code or status:
        reason = _answered(
            int(status[1]) if status else None, (code[1] or code[2]) if code else f"{status and status[1]}"
        )
    elif _NO_TOKEN.search(text):
        reason = f"{_NO_IDENTITY}; set {STORAGE}_KEY or {STORAGE}_SAS, or mend it"
    elif _CUT_OFF.search(text):
        reason = f"{_UNREACHED}: check the account's name, the net and its firewall; the next run goes on from here"
    else:
        reason = "the storage failed; the next run goes on from here"
    return f"storage.lake in Azure: {reason}"
