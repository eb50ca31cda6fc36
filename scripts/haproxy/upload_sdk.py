#!/usr/bin/env python3
"""upload.py with azure-storage-blob: large files in blocks, several at a time, and identities besides keys and SAS.

It takes the same words and the same settings; upload.py must lie beside it. Without SAS and key it logs in by
azure-identity: a managed identity, or a service principal in AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET.

    pip install azure-storage-blob azure-identity
"""

from __future__ import annotations

import contextlib
import sys
import time
import urllib.parse
from typing import Any

import upload
from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceModifiedError
from azure.storage.blob import ContainerClient, ContentSettings


class SdkStore:
    """A container by azure-storage-blob; what upload.Store says."""

    def __init__(self, url: str, sas: str, credential: Any) -> None:
        place, self._folder = _split(url)
        self._sas = sas.lstrip("?")
        self._container = ContainerClient.from_container_url(  # send() itself tries again, later and later
            f"{place}?{self._sas}" if sas else place, credential, retry_total=0, connection_timeout=20, read_timeout=60
        )

    def put(self, path: str, packed: upload.Packed) -> None:
        about = ContentSettings(content_type="application/gzip", content_md5=bytearray(packed.md5))
        noted = {"log_sha256": packed.log_hash}
        with packed.path.open("rb") as body:
            self._blob(path).upload_blob(
                body, overwrite=True, metadata=noted, content_settings=about, validate_content=True
            )

    def rename(self, old: str, new: str) -> bool:
        source, target = self._blob(old), self._blob(new)
        try:
            target.start_copy_from_url(source.url, match_condition=MatchConditions.IfMissing)
        except (ResourceExistsError, ResourceModifiedError):
            return False
        while (copied := target.get_blob_properties().copy).status == "pending":
            time.sleep(upload.FIRST_PAUSE)
        if copied.status not in (None, "success"):
            target.delete_blob()
            raise upload.UploadError("the service could not copy the file to its name")
        with contextlib.suppress(AzureError):  # who may not delete leaves a blob that readers pass over
            source.delete_blob()
        return True

    def log_hash(self, path: str) -> str | None:
        return self._blob(path).get_blob_properties().metadata.get("log_sha256")

    def _blob(self, path: str) -> Any:
        return self._container.get_blob_client(f"{self._folder}/{path}" if self._folder else path)


def _split(url: str) -> tuple[str, str]:
    """The container's address, and the folder within it. An emulator's path begins with the account."""
    parts = urllib.parse.urlsplit(url)
    levels = parts.path.strip("/").split("/")
    depth = 1 if ".blob." in (parts.hostname or "") else 2
    return f"{parts.scheme}://{parts.netloc}/{'/'.join(levels[:depth])}", "/".join(levels[depth:])


def sdk_store() -> upload.Store:
    sas, key = upload.secret("METRICS_LAKE_STORAGE_SAS"), upload.secret("METRICS_LAKE_STORAGE_KEY")
    if sas or key:
        return SdkStore(upload.landing_url(), sas, None if sas else key)
    from azure.identity import DefaultAzureCredential

    return SdkStore(upload.landing_url(), "", DefaultAzureCredential())


if __name__ == "__main__":
    sys.exit(upload.main(sys.argv[1:], __file__, sdk_store))
