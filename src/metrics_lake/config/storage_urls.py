"""URLs of Azure storage in the settings: account, container and folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

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
    """A folder of a container. `account_url` is that of the blob service, whatever form the setting had.

    `is_flat` says that the account has no hierarchical namespace, as the form of a blob's URL means.
    """

    account_url: str
    container: str
    folder: str
    is_flat: bool = True

    def __str__(self) -> str:
        return f"{self.account_url}/{self.container}/{self.folder}".rstrip("/")

    def path(self, path: str) -> str:
        """A blob's name in the container, from its path in the folder."""
        return f"{self.folder}/{path}" if self.folder else path

    @property
    def is_emulator(self) -> bool:
        return self.account_url.startswith("http://")

    @property
    def account(self) -> str:
        """The account's name."""
        return self.account_url.rpartition("/")[2].partition(".")[0]

    @property
    def abfs_host(self) -> str:
        """The account as the ABFS driver calls it, also where its blob service or an emulator is meant."""
        rest = "core.windows.net" if self.is_emulator else self.account_url.partition(".blob.")[2]
        return f"{self.account}.dfs.{rest}"

    @property
    def abfs(self) -> str:
        """The place as Spark and delta-rs call it."""
        scheme = "abfs" if self.is_emulator else "abfss"
        return f"{scheme}://{self.container}@{self.abfs_host}/{self.folder}".rstrip("/")


def is_azure(place: str) -> bool:
    """Whether a setting is a URL of Azure storage and not a folder."""
    return "://" in place


def place_of(text: str) -> AzurePlace:
    """The parts of a URL. Raises ValueError, which doesn't repeat the URL, for an unknown form."""
    match = _ABFS.fullmatch(text) or _BLOB.fullmatch(text) or _EMULATOR.fullmatch(text)
    if not match:
        raise ValueError(f"no address of Azure's storage; write {FORMS} (a SAS or key has no place here)")
    parts = match.groupdict()
    url = parts.get("url") or f"https://{parts['account']}.blob.{parts['rest']}"
    return AzurePlace(url, parts["container"], (parts["folder"] or "").strip("/"), is_flat="url" in parts)


def uri_of(place: str) -> str:
    """The path or URL under which Spark opens a place: an absolute path, or the URL of the ABFS driver."""
    return place_of(place).abfs if is_azure(place) else str(Path(place).resolve())


def checked(place: str) -> str:
    """The place unchanged; ValueError for a URL that isn't one of Azure storage."""
    if is_azure(place):
        place_of(place)
    return place
