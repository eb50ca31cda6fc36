"""One writer of what lies in Azure's storage: a lease on a blob, renewed while the work goes on.

A process that dies lets go by itself, as its lease runs out within a minute. One that can't renew its lease stops before
another could have it: whatever it does then is broken off in the main thread, and what it had committed stands.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from metrics_lake.config.storage_urls import place_of
from metrics_lake.io.storage.azure import AzureError, container_of, telling
from metrics_lake.io.storage.files import BusyError

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobLeaseClient

_LEASE_SECONDS = 60  # the longest that the service gives
_RENEWAL_SECONDS = 15
_TRIALS = 2  # renewals that may fail in a row: with their patience they end some 20 s before the lease does
_PATIENCE: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 5, "retry_total": 0}
_WAKING = signal.SIGUSR1


class LeaseLost(AzureError):
    """This process may not write any more; the message says why, and how to go on."""


@contextlib.contextmanager
def leased(place: str, doing: str) -> Iterator[None]:
    """Holds the lease of a blob while the block runs; BusyError names who holds it already.

    If the lease is lost on the way, the block ends with LeaseLost wherever it is.
    """
    folder, _, name = place.rpartition("/")
    there = place_of(folder)
    with telling(there):
        blob = container_of(there).get_blob_client(there.path(name))
        lease = _taken(blob, place)
        blob.upload_blob(f"process {os.getpid()} of {platform.node()} ({doing})", overwrite=True, lease=lease)
    renewing = _Renewing(lease, place)
    try:
        with renewing:
            yield
    except BaseException:
        if renewing.is_lost:
            raise renewing.error from None
        raise
    finally:
        with contextlib.suppress(Exception):  # it runs out by itself
            lease.release()
    if renewing.is_lost:
        raise renewing.error


def _taken(blob: BlobClient, place: str) -> BlobLeaseClient:
    from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

    with contextlib.suppress(ResourceExistsError, ResourceModifiedError):  # it is there, or even leased
        blob.upload_blob(b"", overwrite=False)
    try:
        return blob.acquire_lease(_LEASE_SECONDS)
    except ResourceExistsError:  # leased
        holder = blob.download_blob().readall().decode("utf-8", "replace").strip() or "another process"
    raise BusyError(f"{holder} is writing to this lake; wait until it has ended, or a minute if it has died ({place})")


class _Renewing:
    """Renews a lease in a thread of its own while the block runs."""

    def __init__(self, lease: BlobLeaseClient, place: str) -> None:
        self._lease, self._ended, self.is_lost = lease, threading.Event(), False
        self.error = LeaseLost(
            f"{place}: the lease of this lake was lost (the net, or somebody broke it): nothing more was written; "
            "run again, it goes on from here"
        )
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._before: Any = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(_WAKING, self._break_off)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._before is not None:
            signal.signal(_WAKING, self._before)

    def _break_off(self, number: int, frame: Any) -> None:
        raise self.error

    def _renew(self) -> None:
        failed = 0
        while not self._ended.wait(_RENEWAL_SECONDS):
            try:
                self._lease.renew(**_PATIENCE)
                failed = 0
            except Exception as error:
                failed += 1
                if failed >= _TRIALS or getattr(error, "status_code", None) in (404, 409, 412):
                    self._lose()
                    return

    def _lose(self) -> None:
        """Again and again until the block has ended: something on the way might swallow it."""
        self.is_lost = True
        main = threading.main_thread().ident
        while self._before is not None and main is not None:
            signal.pthread_kill(main, _WAKING)
            if self._ended.wait(_RENEWAL_SECONDS):
                return
