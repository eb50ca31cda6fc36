"""Documents in Azure Cosmos DB: a store as SqliteDocuments is one, in an account that may be busy, far away or shut.

A container is partitioned by tenant, and nothing but tenant and id is indexed: queries are ranges of ids within a tenant.
Each document is written by itself, under the ETag of what stood before, so that an older revision never replaces a newer
one; what was cut short is healed by doing it again.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from metrics_lake.io.documents.cosmos_answers import BUSY, TRIES, complaint, pause_seconds
from metrics_lake.io.documents.sizes import BATCH_DOCUMENTS, batches
from metrics_lake.io.documents.store import Document, continued, revision
from metrics_lake.io.removed import note, partition

if TYPE_CHECKING:
    from azure.cosmos import ContainerProxy

T = TypeVar("T")
_PARTITION = "/tenant"
_INDEXED = {
    "indexingMode": "consistent",
    "includedPaths": [{"path": "/tenant/?"}],  # ids are always indexed
    "excludedPaths": [{"path": "/*"}],
}
_ANSWER_SECONDS = 20
_CONTESTS = 10
_LOOPBACK = ("127.0.0.1", "localhost")


class CosmosError(Exception):
    """Cosmos DB can't be read or written; the message says why, and what to do."""


class CosmosDocuments:
    """The containers of one database. `key` None means a managed identity, or who is logged in with Azure's tools."""

    def __init__(
        self,
        endpoint: str,
        database: str,
        key: str | None,
        *,
        at_once: int = 8,
        pause: Callable[[float], None] = time.sleep,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self._endpoint, self._name, self._key = endpoint, database, key
        self._at_once, self._pause, self._answer_seconds = at_once, pause, answer_seconds
        self._made: dict[str, ContainerProxy] = {}

    def __repr__(self) -> str:
        return f"CosmosDocuments({self._endpoint!r}, {self._name!r})"

    def between(self, container: str, tenant: str, low: str, high: str) -> list[Document]:
        with self._told():
            found = self._asked(
                self._container(container),
                "SELECT * FROM c WHERE c.tenant = @tenant AND c.id >= @low AND c.id <= @high",
                tenant,
                low=low,
                high=high,
            )
        plain = ({name: value for name, value in each.items() if not name.startswith("_")} for each in found)
        return sorted(plain, key=lambda each: str(each["id"]))

    def ids(self, container: str, tenant: str) -> list[str]:
        with self._told():
            found = self._asked(self._container(container), "SELECT c.id FROM c WHERE c.tenant = @tenant", tenant)
        return sorted(each["id"] for each in found)

    def upsert(self, container: str, documents: Iterable[Document]) -> int:
        with self._told(), ThreadPoolExecutor(self._at_once) as workers:
            return sum(self._put(self._there(container), batch, workers) for batch in batches(list(documents)))

    def delete(self, container: str, tenant: str, ids: Iterable[str]) -> None:
        named = list(ids)
        with self._told(), ThreadPoolExecutor(self._at_once) as workers:
            for at in range(0, len(named), BATCH_DOCUMENTS):
                self._let_go(self._container(container), tenant, named[at : at + BATCH_DOCUMENTS], workers)

    def _let_go(self, there: ContainerProxy, tenant: str, ids: list[str], workers: ThreadPoolExecutor) -> None:
        """Removes a batch of documents; their revisions are noted before."""
        held = self._held(there, tenant, ids).values()
        notes = [note(each, tenant) for each in held if revision(each)]
        if notes:
            self._put(there, notes, workers)
        list(workers.map(partial(self._remove, there, tenant), ids))

    def _remove(self, there: ContainerProxy, tenant: str, id_: str) -> None:
        with suppress(CosmosResourceNotFoundError):
            self._patiently(lambda: there.delete_item(id_, partition_key=tenant))

    def standing(self) -> str:
        """In a few words what is there; CosmosError if the account can't be reached or lets nobody in."""
        with self._told():
            try:
                self._patiently(self._database.read)
            except CosmosResourceNotFoundError:
                return f"no database {self._name} yet; publish makes it"
        return f"database {self._name}"

    def _put(self, there: ContainerProxy, batch: list[Document], workers: ThreadPoolExecutor) -> int:
        """Writes those documents of which no newer revision stands; what others write meanwhile is looked at first.

        One of a first revision is taken for new until the service says that it stands, so that of a first publish nothing
        is asked but what was removed before.
        Queries are asked while no worker writes: the client's headers of the last answer belong to all threads.
        """
        written, left = 0, batch
        for contest in range(_CONTESTS):
            asked = [each["id"] for each in left if contest or revision(each) > 1]
            held = self._held(there, batch[0]["tenant"], asked) if asked else {}
            due = [each for each in left if revision(held.get(each["id"], {})) <= revision(each)]
            last = self._last(there, batch[0]["tenant"], [each["id"] for each in due if each["id"] not in held])
            puts = ((continued(each, last.get(each["id"], 0)), held.get(each["id"])) for each in due)
            was_put = list(workers.map(lambda put: self._was_put(there, *put), puts))
            written += sum(was_put)
            left = [each for each, done in zip(due, was_put, strict=True) if not done]
            if not left:
                return written
        raise CosmosError(f"{left[0]['id']} is written by others all the time: let one publisher write at a time")

    def _was_put(self, there: ContainerProxy, document: Document, held: Document | None) -> bool:
        """Puts a document in the place of what was held, or of nothing; false if that is no longer what stands there."""
        try:
            if held is None:
                self._patiently(lambda: there.create_item(document, no_response=True))
            else:
                guard = {"etag": held["_etag"], "match_condition": MatchConditions.IfNotModified, "no_response": True}
                self._patiently(lambda: there.replace_item(document["id"], document, **guard))
        except (CosmosResourceExistsError, CosmosAccessConditionFailedError, CosmosResourceNotFoundError):
            return False
        return True

    def _held(self, there: ContainerProxy, tenant: str, ids: list[str]) -> dict[str, Document]:
        """Revision and ETag of those documents that stand, by id."""
        text = "SELECT c.id, c.revision, c._etag FROM c WHERE c.tenant = @tenant AND ARRAY_CONTAINS(@ids, c.id)"
        return {each["id"]: each for each in self._asked(there, text, tenant, ids=ids)}

    def _last(self, there: ContainerProxy, tenant: str, ids: list[str]) -> dict[str, int]:
        """The revisions of documents that were removed, by id. Notes of such, a partition of their own, have none."""
        if not ids or tenant.startswith(partition("")):
            return {}
        return {id_: revision(each) for id_, each in self._held(there, partition(tenant), ids).items()}

    def _asked(self, there: ContainerProxy, text: str, tenant: str, **more: Any) -> list[Document]:
        """A query of one tenant's partition. Its text names the tenant too: not every emulator minds partitions."""
        given = [{"name": f"@{name}", "value": value} for name, value in {"tenant": tenant, **more}.items()]
        try:
            return self._patiently(lambda: list(there.query_items(text, parameters=given, partition_key=tenant)))
        except CosmosResourceNotFoundError:  # nothing was ever written there
            return []

    def _container(self, name: str) -> ContainerProxy:
        return self._made.get(name) or self._database.get_container_client(name)

    def _there(self, name: str) -> ContainerProxy:
        """A container that is there: made on first use, if this identity may."""
        if name not in self._made:
            found = self._database.get_container_client(name)
            try:
                held = self._patiently(found.read)
            except CosmosResourceNotFoundError:
                held = self._patiently(lambda: self._create(name).read())
            if held["partitionKey"]["paths"] != [_PARTITION]:
                raise CosmosError(
                    f"the container {name} isn't partitioned by {_PARTITION}: name another documents.database"
                )
            self._made[name] = found
        return self._made[name]

    def _create(self, name: str) -> ContainerProxy:
        try:
            database = self._client.create_database_if_not_exists(self._name)
            return database.create_container_if_not_exists(name, PartitionKey(_PARTITION), indexing_policy=_INDEXED)
        except CosmosHttpResponseError as error:
            if error.status_code != 403:
                raise
            raise CosmosError(
                f"the container {name} isn't there, and this identity may not make it: let someone who may make the "
                f"database {self._name} and in it {name}, with the partition key {_PARTITION}"
            ) from error

    @cached_property
    def _database(self) -> Any:
        return self._client.get_database_client(self._name)

    @cached_property
    def _client(self) -> CosmosClient:
        is_local = any(f"//{host}" in self._endpoint for host in _LOOPBACK)
        if is_local:  # whose certificate the client takes as it is; one line about it for each call helps nobody
            import urllib3

            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        return self._patiently(
            lambda: CosmosClient(
                self._endpoint,
                self._key or _identity(),
                retry_total=0,
                connection_timeout=self._answer_seconds,
                read_timeout=self._answer_seconds,
                enable_endpoint_discovery=not is_local,
            )
        )

    def _patiently(self, call: Callable[[], T]) -> T:
        """What a call gives; tried again, after the pause that the server asks for or a random growing one, if it is busy."""
        for tried in itertools.count(1):
            try:
                return call()
            except (CosmosHttpResponseError, ServiceRequestError, ServiceResponseError) as error:
                if tried == TRIES or getattr(error, "status_code", 503) not in BUSY:
                    raise
                self._pause(pause_seconds(error, tried))
        raise AssertionError

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong in words: none of the service's own, which may hold addresses, and never the key."""
        try:
            yield
        except AzureError as error:
            raise CosmosError(f"Cosmos DB at {self._endpoint} {complaint(error)}") from error


def _identity() -> Any:
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()
