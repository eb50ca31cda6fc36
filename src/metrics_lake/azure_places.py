"""Addresses of places in Azure's storage, as settings write them: account, container and folder."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ABFS = re.compile(
    r"abfss?://(?P<container>[^@/?#]+)@(?P<account>[a-z0-9]+)\.dfs\.(?P<rest>[a-z0-9.-]+)(?P<folder>/[^?#]*)?"
)
_BLOB = re.compile(r"(?P<url>https://[a-z0-9]+\.blob\.[a-z0-9.-]+)/(?P<container>[^/?#]+)(?P<folder>/[^?#]*)?")
_EMULATOR = re.compile(r"(?P<url>http://127\.0\.0\.1:\d+/[a-z0-9]+)/(?P<container>[^/?#]+)(?P<folder>/[^?#]*)?")
FORMS = (
    "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER or https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER"
)


@dataclass(frozen=True)
class AzurePlace:
    """A folder of a container. `account_url` is that of the blob service, whatever form the setting had."""

    account_url: str
    container: str
    folder: str

    def __str__(self) -> str:
        return f"{self.account_url}/{self.container}/{self.folder}".rstrip("/")

    def path(self, path: str) -> str:
        """A blob's name in the container, from its path in the folder."""
        return f"{self.folder}/{path}" if self.folder else path


def is_azure(place: str) -> bool:
    """Whether a setting means Azure's storage and not a folder."""
    return "://" in place


def place_of(text: str) -> AzurePlace:
    """What an address means; ValueError, which repeats nothing of it, where it is of no known form."""
    found = _ABFS.fullmatch(text) or _BLOB.fullmatch(text) or _EMULATOR.fullmatch(text)
    if not found:
        raise ValueError(f"no address of Azure's storage; write {FORMS} (a SAS or key has no place here)")
    parts = found.groupdict()
    url = parts.get("url") or f"https://{parts['account']}.blob.{parts['rest']}"
    return AzurePlace(url, parts["container"], (parts["folder"] or "").strip("/"))


def checked(place: str) -> str:
    """A folder as it is, an address of Azure's storage if it is one."""
    if is_azure(place):
        place_of(place)
    return place
